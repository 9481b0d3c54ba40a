/** @file Takes random numbers out of the engine's hands, so that every run of a microbatch draws the same ones. */
import type { BuilderStart } from "./ir/builder.js";
import { GraphBuilder } from "./ir/builder.js";
import { freeIds } from "./ir/fresh.js";
import type { Graph, Node, TensorType, Value, ValueId } from "./ir/graph.js";
import type { DrawUse, Emitter, OpTable } from "./ops/define.js";
import { randomBits } from "./ops/random-bits.js";
import { copyAs } from "./ops/unary.js";
import { RANDOM_WORDS, RandomStream } from "./random.js";

/** A graph whose random numbers are a function of its inputs. */
export interface Repeatable {
  readonly graph: Graph;
  /**
   * The new input uint32[2], to be fed two random words per microbatch: a hash of seed, step and microbatch.
   * undefined: the graph draws nothing and is unchanged.
   */
  readonly words: Value | undefined;
}

/** Any op's rule, seen without its attribute type. */
type AnyDraw = (b: Emitter, use: DrawUse<never>) => readonly (Value | undefined)[] | undefined;

/**
 * Writes every node that draws random numbers as arithmetic on bits that depend on the words, the node's name and the
 * position only: not on the order of execution, the stage or the engine.
 *
 * Requires: a verified graph.
 * Ensures: names of the graph's inputs, parameters and outputs are kept; the distribution of every value is kept.
 * Cost: linear in the number of nodes.
 * @throws MODEL_UNSUPPORTED when a dropout's ratio or mode is not known.
 */
export function repeatableRandomness(graph: Graph, ops: OpTable): Repeatable {
  if (!graph.nodes.some((node) => ops[node.op].draw)) return { graph, words: undefined };
  const builder = new GraphBuilder(ops, startAfter(graph, ops));
  for (const value of graph.inputs) builder.adoptInput(value);
  for (const value of graph.params) builder.adoptParam(value);
  const replaced = new Map<ValueId, Value>();
  const current = (value: Value | undefined): Value | undefined => value && (replaced.get(value.id) ?? value);
  const results = new Set(graph.outputs.map(({ id }) => id));
  let words: Value | undefined;
  for (const node of graph.nodes) {
    const moved = { ...node, inputs: node.inputs.map(current) } as Node;
    const drawn = drawNode(
      builder,
      moved,
      ops,
      () => (words ??= builder.input(RANDOM_WORDS, { dtype: "uint32", shape: [2] })),
    );
    if (!drawn) builder.append(moved);
    for (const [index, value] of drawn?.entries() ?? []) {
      const output = node.outputs[index];
      if (!value || !output) continue;
      replaced.set(output.id, results.has(output.id) ? copyAs(builder, value, output.name) : value);
    }
  }
  if (!words) return { graph, words };
  const outputs = graph.outputs.map((value) => current(value)!);
  for (const { param, next } of graph.states) builder.state(param, current(next)!);
  return { graph: builder.build(graph.name, outputs), words };
}

/** The outputs of a node as arithmetic, or undefined when it draws nothing. */
function drawNode(
  builder: GraphBuilder,
  node: Node,
  ops: OpTable,
  words: () => Value,
): readonly (Value | undefined)[] | undefined {
  const draw = ops[node.op].draw as AnyDraw | undefined;
  if (!draw) return undefined;
  const stream = new RandomStream(0, node.name);
  builder.prefix = `${node.name}/`;
  const bits = (shape: TensorType["shape"]): Value =>
    randomBits(builder, words(), [stream.word(), stream.word()], shape);
  const { inputs: x, attrs } = node;
  const y = node.outputs.map((value) => value?.type);
  return draw(builder, { x, y, attrs, bits } as unknown as DrawUse<never>);
}

/** Ids after all of the graph's, and the names that stay. */
function startAfter(graph: Graph, ops: OpTable): BuilderStart {
  const names: string[] = [];
  for (const node of graph.nodes) {
    const literals = node.inputs.filter((value) => value?.literal);
    for (const value of ops[node.op].draw ? literals : [...literals, ...node.outputs])
      if (value) names.push(value.name);
  }
  return { ...freeIds(graph), names };
}
