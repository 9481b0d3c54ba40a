/**
 * @file Several copies of a differentiated graph in one: for schedules in which microbatches run through the model in
 * opposite directions. Copies share inputs and parameters; every node and every other value exists once per copy.
 */
import { PipewrightError } from "../errors.js";
import { freeIds } from "../ir/fresh.js";
import type { Graph, Node, NodeId, Value, ValueId } from "../ir/graph.js";
import type { Differentiated, Gradient } from "./differentiated.js";

/** What is told of a node, as it holds for its copy. `id`: of the node in copy 0. */
export type Change<T> = (told: T, copy: number, id: NodeId) => T;

/** The graph of all copies. */
export interface Copied {
  readonly differentiated: Differentiated;
  /** What is told of the nodes of copy 0, for the nodes of all copies. */
  readonly spread: <T>(of: ReadonlyMap<NodeId, T>, change: Change<T>) => ReadonlyMap<NodeId, T>;
  /** The value in each copy, the first being itself. */
  readonly valuesOf: (value: Value) => readonly Value[];
}

/**
 * Ensures: forward nodes of all copies come first; parameter gradients are those of copy 0 and name the others'; loss,
 * outputs and input gradients are those of copy 0. Cost: linear in the copies.
 * @throws MODEL_UNSUPPORTED for several copies of a model that keeps states: copies would replace them in no order.
 */
export function withCopies(original: Differentiated, copies: number): Copied {
  const { graph } = original;
  if (copies > 1 && graph.states.length > 0)
    throw new PipewrightError(
      "MODEL_UNSUPPORTED",
      `model: ${graph.states.length} running statistics, such as ${graph.states[0]!.param.name}, are replaced by every microbatch in order, which two copies of the model cannot do. Choose a schedule with one copy.`,
    );
  const isForward = ({ id }: Node): boolean => original.phase.get(id) === "F";
  const later = Array.from({ length: copies - 1 }, (_, index) => copyOf(graph, index + 1));
  const all = (id: NodeId): readonly NodeId[] => [id, ...later.map(({ nodeOf }) => nodeOf(id))];
  const spread = <T>(of: ReadonlyMap<NodeId, T>, change: Change<T>): Map<NodeId, T> =>
    new Map([...of].flatMap(([id, told]) => all(id).map((own, copy): [NodeId, T] => [own, change(told, copy, id)])));
  const lists = [graph.nodes, ...later.map(({ nodes }) => nodes)];
  const nodes = [true, false].flatMap((wanted) =>
    lists.flatMap((list) => list.filter((_, at) => isForward(graph.nodes[at]!) === wanted)),
  );
  const parameterGrads = original.parameterGrads.map((gradient): Gradient => ({
    ...gradient,
    copies: later.map(({ valueOf, nodeOf }) => ({ grad: valueOf(gradient.grad), owner: nodeOf(gradient.owner) })),
  }));
  return {
    differentiated: {
      ...original,
      graph: { ...graph, nodes },
      phase: spread(original.phase, (phase) => phase),
      owner: spread(original.owner, (owner, copy) => all(owner)[copy]!),
      parameterGrads,
    },
    spread,
    valuesOf: (value) => [value, ...later.map(({ valueOf }) => valueOf(value))],
  };
}

/** All nodes once more, with ids and names of their own. */
function copyOf(graph: Graph, copy: number) {
  const made = graph.nodes.flatMap(({ outputs }) => outputs.flatMap((value) => (value ? [value] : [])));
  const values = [...graph.inputs, ...graph.params, ...graph.nodes.flatMap(({ inputs }) => inputs), ...made];
  const { nextValueId: idStep, nextNodeId: nodeStep } = freeIds(graph);
  const names = new Set([...values.flatMap((value) => (value ? [value.name] : [])), ...graph.nodes.map((n) => n.name)]);
  let suffix = `@${copy}`;
  while ([...names].some((name) => name.endsWith(suffix))) suffix = `@${suffix}`;
  const copied = new Map<ValueId, Value>(
    made.map((value) => [value.id, { ...value, id: value.id + copy * idStep, name: `${value.name}${suffix}` }]),
  );
  const valueOf = (value: Value): Value => copied.get(value.id) ?? value;
  const nodeOf = (id: NodeId): NodeId => id + copy * nodeStep;
  const nodes = graph.nodes.map((node): Node => ({
    ...node,
    id: nodeOf(node.id),
    name: `${node.name}${suffix}`,
    inputs: node.inputs.map((value) => value && valueOf(value)),
    outputs: node.outputs.map((value) => value && valueOf(value)),
  }));
  return { nodes, valueOf, nodeOf };
}
