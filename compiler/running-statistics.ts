/** @file Makes running statistics follow the microbatches as torch's do, or leaves them as they are. */
import type { GraphBuilder } from "./ir/builder.js";
import { extend } from "./ir/builder.js";
import type { Graph, Node, Value, ValueId } from "./ir/graph.js";
import { mul } from "./ops/expression.js";
import type { OpTable, RunningStatistics } from "./ops/define.js";
import type { BatchNormMode } from "./plan/plan.js";

/** Any op's rule, seen without its attribute type. */
type AnyRule = Omit<RunningStatistics<never>, "isTraining"> & {
  readonly isTraining: (attrs: Node["attrs"]) => boolean;
};

/** Values that hold running statistics. No optimizer trains them. */
export function runningStatistics(graph: Graph, ops: OpTable): ReadonlySet<ValueId> {
  const found = new Set<ValueId>();
  for (const node of graph.nodes) {
    for (const { input } of ruleOf(node, ops)?.statistics ?? []) {
      const value = node.inputs[input];
      if (value) found.add(value.id);
    }
  }
  return found;
}

/**
 * Puts every node with running statistics into a mode: "train", "frozen", or, left out, the one that it has.
 *
 * In training the next variance takes that of the microbatch without bias, times n / (n − 1), where ONNX takes it with
 * bias; of a single element it is 0. Nodes that share statistics replace them one after another. Source:
 * torch.nn.BatchNorm2d.
 *
 * Requires: a verified graph.
 * Ensures: ids and names of all values that stay are kept; each parameter has at most one next value.
 * Cost: linear in the number of nodes.
 */
export function followStatistics(graph: Graph, ops: OpTable, mode?: BatchNormMode): Graph {
  if (!graph.nodes.some((node) => ops[node.op].running)) return graph;
  const builder = extend(ops, graph);
  const params = new Map(graph.params.map((param) => [param.id, param]));
  const replaced = new Map<ValueId, Value>();
  const current = (value: Value | undefined): Value | undefined => value && (replaced.get(value.id) ?? value);
  /** By statistic: its value after the nodes so far. */
  const latest = new Map<ValueId, Value>();
  const replacedOutputs = new Set<ValueId>();
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const moved = { ...node, inputs: node.inputs.map(current) } as Node;
    const rule = ruleOf(node, ops);
    if (!rule) {
      nodes.push(moved);
      continue;
    }
    const isTraining = mode === undefined ? rule.isTraining(node.attrs) : mode === "train";
    for (const { input, output } of rule.statistics) {
      const made = node.outputs[output];
      if (!made) continue;
      replacedOutputs.add(made.id);
      if (!isTraining) replaced.set(made.id, moved.inputs[input]!);
    }
    if (!isTraining) nodes.push(inMode(moved, rule, false, moved.inputs, moved.outputs.slice(0, 1)));
    else nodes.push(...follow(builder, moved, rule, params, latest, replaced));
  }
  return {
    ...graph,
    nodes,
    outputs: graph.outputs.map((value) => current(value)!),
    states: [
      ...graph.states.filter((state) => !replacedOutputs.has(state.next.id)),
      ...[...latest].map(([id, next]) => ({ param: params.get(id)!, next })),
    ],
  };
}

function ruleOf(node: Node, ops: OpTable): AnyRule | undefined {
  return ops[node.op].running as unknown as AnyRule | undefined;
}

function inMode(
  node: Node,
  rule: AnyRule,
  isTraining: boolean,
  inputs: Node["inputs"],
  outputs: Node["outputs"],
): Node {
  return { ...node, attrs: { ...node.attrs, ...rule.modeAttrs(isTraining) }, inputs, outputs } as Node;
}

/**
 * The node in training with what follows its statistics. With k = n / (n − 1), the node gets the variance before as v / k
 * and gives m·v / k + (1−m)·s, which is made m·v + k·(1−m)·s. No other node reads what the node replaces: engines may
 * write the next statistic over the one before.
 */
function follow(
  builder: GraphBuilder,
  node: Node,
  rule: AnyRule,
  params: ReadonlyMap<ValueId, Value>,
  latest: Map<ValueId, Value>,
  replaced: Map<ValueId, Value>,
): readonly Node[] {
  const samples = rule.samples(node.inputs);
  const inputs = [...node.inputs];
  const outputs = [node.outputs[0]];
  const start = builder.nodes.length;
  builder.prefix = `${node.name}/`;
  for (const { input, output, isVariance } of rule.statistics) {
    const before = node.inputs[input]!;
    const known = latest.get(before.id) ?? before;
    inputs[input] = isVariance && samples > 1 ? mul(builder, known, (samples - 1) / samples) : known;
    outputs[output] = node.outputs[output] ?? builder.value(`${node.name}/running_${output}`, before.type);
  }
  const middle = builder.nodes.length;
  for (const { input, output, isVariance } of rule.statistics) {
    const before = node.inputs[input]!;
    const seen = outputs[output]!;
    const next = isVariance && samples > 1 ? mul(builder, seen, samples / (samples - 1)) : seen;
    if (node.outputs[output] && next !== seen) replaced.set(seen.id, next);
    if (params.has(before.id)) latest.set(before.id, next);
  }
  const trained = inMode(node, rule, true, inputs, outputs);
  return [...builder.nodes.slice(start, middle), trained, ...builder.nodes.slice(middle)];
}
