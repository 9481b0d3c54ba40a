/**
 * @file Reverse-mode differentiation, source to source: appends the backward pass to the graph as plain nodes.
 * One sweep over the nodes in reverse order; each op's rule emits its part; contributions to one value are added in
 * the order of the sweep, so the sum has one fixed order however the graph is cut later.
 */
import { invariant, PipewrightError } from "../errors.js";
import type { GraphBuilder } from "../ir/builder.js";
import { extend } from "../ir/builder.js";
import type { Graph, Node, NodeId, Value, ValueId } from "../ir/graph.js";
import { elementCount, isFloat, literalOf } from "../ir/literal.js";
import { liveNodes } from "../ir/walk.js";
import type { Emitter, GradUse, MissingGradient, NoGradient, OpTable } from "../ops/define.js";
import type { Differentiated, Gradient, NodePhase } from "./differentiated.js";
import { withEarlySums } from "./early-sums.js";
import { splitPhases } from "./split.js";

/** Where a gradient starts: at a scalar loss with 1, or at any value with a gradient that a new graph input brings. */
export interface Seed {
  readonly output: Value;
  /** Name of the graph input that carries the gradient of `output`. Left out: ones. */
  readonly upstream?: string;
}

export interface DifferentiateOptions {
  readonly seeds: readonly Seed[];
  /** Inputs and parameters to differentiate with respect to. */
  readonly wrt: readonly Value[];
}

/** Any op's definition, seen without its attribute type. */
interface AnyDef {
  readonly grad: ((b: Emitter, use: GradUse<never>) => readonly (Value | undefined)[]) | NoGradient | MissingGradient;
}

/**
 * Appends gradients.
 *
 * Requires: a verified graph; seeds that are float values of it, each once; `wrt` among its inputs and params.
 * Ensures: forward nodes come first and are unchanged (those that nothing needs are dropped); every backward node has
 * an owner and a phase; gradients have the type of what they belong to. The first seed is reported as the loss.
 * Cost: linear in the number of nodes.
 * @throws MODEL_UNSUPPORTED listing every node on the way to `wrt` that has no gradient rule.
 */
export function differentiate(graph: Graph, ops: OpTable, options: DifferentiateOptions): Differentiated {
  const builder = extend(ops, graph);
  const sweep: Sweep = {
    builder,
    active: activeValues(graph, ops, options.wrt),
    fed: fedValues(graph),
    total: new Map(),
    owner: new Map(),
    lastContributor: new Map(),
    flows: [],
    blocked: new Set(),
  };
  for (const node of graph.nodes) sweep.owner.set(node.id, node.id);
  seedGradients(sweep, options.seeds);

  const missing: string[] = [];
  for (let index = graph.nodes.length - 1; index >= 0; index--) {
    const reason = sweepNode(sweep, graph.nodes[index]!, ops);
    if (reason) missing.push(reason);
  }
  if (missing.length > 0) throw cannotDifferentiate(missing);

  const params = new Set(graph.params.map((value) => value.id));
  const gradients = options.wrt.flatMap((value): Gradient[] => {
    const grad = sweep.total.get(value.id);
    const owner = sweep.lastContributor.get(value.id);
    return grad && owner !== undefined ? [{ of: value, grad, owner }] : [];
  });
  return collect(graph, ops, sweep, options, {
    parameterGrads: gradients.filter(({ of }) => params.has(of.id)),
    inputGrads: gradients.filter(({ of }) => !params.has(of.id)),
  });
}

/** The state of one reverse sweep. */
interface Sweep {
  readonly builder: GraphBuilder;
  /** Values that depend differentiably on `wrt`. */
  readonly active: ReadonlySet<ValueId>;
  /** Values that depend on an input of the graph: what is left depends on parameters alone. */
  readonly fed: ReadonlySet<ValueId>;
  /** Gradient summed so far, by value. */
  readonly total: Map<ValueId, Value>;
  readonly owner: Map<NodeId, NodeId>;
  readonly lastContributor: Map<ValueId, NodeId>;
  /** Gradients of fed values that rules start from. */
  readonly flows: Value[];
  /** Values whose gradient would come through a node that has no rule. */
  readonly blocked: Set<ValueId>;
}

/** Values on a differentiable path from `wrt`, in one forward pass. */
function activeValues(graph: Graph, ops: OpTable, wrt: readonly Value[]): ReadonlySet<ValueId> {
  const active = new Set(wrt.map((value) => value.id));
  for (const node of graph.nodes) {
    if ("none" in ops[node.op].grad) continue;
    if (!node.inputs.some((value) => value && active.has(value.id))) continue;
    for (const value of node.outputs) if (value && isFloat(value.type.dtype)) active.add(value.id);
  }
  return active;
}

function fedValues(graph: Graph): ReadonlySet<ValueId> {
  const fed = new Set(graph.inputs.map((value) => value.id));
  for (const node of graph.nodes) {
    if (!node.inputs.some((value) => value && fed.has(value.id))) continue;
    for (const value of node.outputs) if (value) fed.add(value.id);
  }
  return fed;
}

function seedGradients({ builder, total }: Sweep, seeds: readonly Seed[]): void {
  for (const { output, upstream } of seeds) {
    invariant(!total.has(output.id), `gradients start twice at ${output.name}`);
    const { dtype, shape } = output.type;
    const grad =
      upstream === undefined
        ? builder.literal(literalOf(dtype, shape, new Array<number>(elementCount(shape)).fill(1)))
        : builder.input(upstream, output.type);
    total.set(output.id, grad);
  }
}

/** Runs the rule of one node. Returns why not, if it has none and needs one. */
function sweepNode(sweep: Sweep, node: Node, ops: OpTable): string | undefined {
  const { builder, active, fed, total, blocked } = sweep;
  const dy = node.outputs.map((value) => (value && active.has(value.id) ? total.get(value.id) : undefined));
  const isBlocked = node.outputs.some((value) => value && blocked.has(value.id));
  if (!isBlocked && dy.every((grad) => grad === undefined)) return undefined;
  const { grad: rule } = ops[node.op] as unknown as AnyDef;
  if ("none" in rule) return undefined;
  if ("missing" in rule || isBlocked) {
    for (const value of node.inputs) if (value && active.has(value.id)) blocked.add(value.id);
    return "missing" in rule ? `${node.name} (${node.op}): ${rule.missing}` : undefined;
  }

  for (const [index, grad] of dy.entries()) if (grad && fed.has(node.outputs[index]!.id)) sweep.flows.push(grad);
  const start = builder.nodes.length;
  builder.prefix = `${node.name}/grad/`;
  const { inputs: x, outputs: y, attrs } = node;
  const contributions = rule(builder, { x, y, dy, attrs } as unknown as GradUse<never>);
  for (const [index, value] of x.entries()) {
    const contribution = contributions[index];
    if (!value || !contribution || !active.has(value.id)) continue;
    const before = total.get(value.id);
    total.set(value.id, before ? builder.emit("Add", [before, contribution]) : contribution);
    sweep.lastContributor.set(value.id, node.id);
  }
  for (const emitted of builder.nodes.slice(start)) sweep.owner.set(emitted.id, node.id);
  return undefined;
}

function cannotDifferentiate(missing: readonly string[]): PipewrightError {
  const list = missing.map((line) => `\n  ${line}`).join("");
  const count = missing.length === 1 ? "1 node" : `${missing.length} nodes`;
  const message =
    `model: ${count} between the loss and what is trained cannot be differentiated:${list}\n` +
    "  Train only parameters that come after, with --trainable, or replace these nodes.";
  return new PipewrightError("MODEL_UNSUPPORTED", message, { nodes: missing });
}

/** Drops what nothing needs and labels the phases. */
function collect(
  graph: Graph,
  ops: OpTable,
  { builder, owner, flows }: Sweep,
  { seeds }: DifferentiateOptions,
  grads: Pick<Differentiated, "parameterGrads" | "inputGrads">,
): Differentiated {
  const loss = seeds[0]!.output;
  const results = [...grads.parameterGrads, ...grads.inputGrads].map(({ grad }) => grad);
  const outputs = [loss, ...graph.outputs.filter((value) => value.id !== loss.id), ...results];
  const full = builder.build(graph.name, outputs);
  const roots = [...outputs, ...full.states.map(({ next }) => next)];
  const nodes = liveNodes(full.nodes, roots);
  const forward = new Set(graph.nodes.map((node) => node.id));
  const phases: ReadonlyMap<NodeId, NodePhase> = splitPhases(nodes, forward, [
    ...flows,
    ...grads.inputGrads.map(({ grad }) => grad),
  ]);
  return { graph: { ...full, nodes }, loss, phase: withEarlySums(nodes, phases, ops), owner, ...grads };
}
