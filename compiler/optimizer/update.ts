/**
 * @file Optimizer updates as ONNX graphs. On a CPU a stage keeps its parameters in one flat arena, its gradient sums and
 * optimizer states in others of the same layout, and runs one graph on each slab of them, in place; on other devices it
 * runs the graph on each parameter.
 */
import type { Emitter, OpTable } from "../ops/define.js";
import { GraphBuilder } from "../ir/builder.js";
import type { Graph, Shape, Value } from "../ir/graph.js";
import type { OptimizerSpec, ParameterGroup } from "../plan/plan.js";
import { learningRateAt } from "./learning-rate.js";

/** Optimizer states per parameter element: momentum; or first and second moment. */
export function stateCount(optimizer: OptimizerSpec): number {
  return optimizer.kind === "sgd" ? 1 : 2;
}

/** Scalars that change from step to step, in the order of the graph's scalar inputs. */
export type StepScalars = readonly { readonly name: string; readonly value: number }[];

/**
 * The scalars of step `step` (1 is the first) for the parameters of a group, or for those of none. `gradScale` makes the
 * gradient of the gradient sum: one over the number of microbatches, less where gradients are clipped.
 * Units: learning rate per step; everything else has none.
 */
export function stepScalars(
  optimizer: OptimizerSpec,
  step: number,
  gradScale: number,
  group: ParameterGroup | undefined,
): StepScalars {
  const learningRate = learningRateAt(optimizer, step, group);
  const weightDecay = group?.weightDecay ?? optimizer.weightDecay;
  if (optimizer.kind === "sgd") {
    const decay = decays(optimizer) ? [{ name: "weightDecay", value: weightDecay }] : [];
    return [{ name: "gradScale", value: gradScale }, { name: "learningRate", value: learningRate }, ...decay];
  }
  const { beta1, beta2, epsilon } = optimizer;
  const rootCorrection = Math.sqrt(1 - beta2 ** step);
  return [
    { name: "firstScale", value: (1 - beta1) * gradScale },
    { name: "secondScale", value: Math.sqrt(1 - beta2) * gradScale },
    { name: "keep", value: 1 - learningRate * weightDecay },
    { name: "stepSize", value: (learningRate * rootCorrection) / (1 - beta1 ** step) },
    { name: "floor", value: epsilon * rootCorrection },
  ];
}

/** True when some parameter has weight decay. */
function decays({ weightDecay, groups = [] }: OptimizerSpec): boolean {
  return [weightDecay, ...groups.map((group) => group.weightDecay ?? 0)].some((decay) => decay !== 0);
}

/**
 * The update of float32 tensors of one shape: element by element, so any shape will do.
 *
 * Inputs: param, gradSum, state0 [, state1], then the scalars of `stepScalars`, each of shape [].
 * Outputs: the next param, then the next states; each may be bound to the memory of its input, because every reader of
 * the old value comes before the node that makes the new one.
 * Source: torch.optim.SGD and AdamW (Loshchilov & Hutter 2019), default settings.
 */
export function updateGraph(optimizer: OptimizerSpec, shape: Shape, ops: OpTable): Graph {
  const builder = new GraphBuilder(ops);
  const input = (name: string, own: Shape): Value => builder.input(name, { dtype: "float32", shape: own });
  const param = input("param", shape);
  const gradSum = input("gradSum", shape);
  const states = Array.from({ length: stateCount(optimizer) }, (_, index) => input(`state${index}`, shape));
  const scalars = new Map(stepScalars(optimizer, 1, 1, undefined).map(({ name }) => [name, input(name, [])]));
  const next = emitUpdate(builder, optimizer, { param, gradSum, states, scalar: (name) => scalars.get(name)! });
  return builder.build(`update ${optimizer.kind}`, next);
}

/** What the update of one parameter reads. */
export interface Operands {
  readonly param: Value;
  readonly gradSum: Value;
  readonly states: readonly Value[];
  readonly scalar: (name: string) => Value;
}

/** Emits the update of one parameter. Returns its next value, then its next states. */
export function emitUpdate(b: Emitter, optimizer: OptimizerSpec, operands: Operands): readonly Value[] {
  return optimizer.kind === "sgd" ? sgdUpdate(b, optimizer, operands) : adamwUpdate(b, optimizer, operands);
}

/** v' = momentum·v + g;  p' = p − lr·v'. */
function sgdUpdate(
  b: Emitter,
  spec: OptimizerSpec & { kind: "sgd" },
  { param, gradSum, states, scalar }: Operands,
): Value[] {
  const mean = b.emit("Mul", [gradSum, scalar("gradScale")]);
  const grad = decays(spec) ? b.emit("Add", [mean, b.emit("Mul", [param, scalar("weightDecay")])]) : mean;
  const velocity = b.emit("Add", [times(b, states[0]!, spec.momentum), grad]);
  return [b.emit("Sub", [param, b.emit("Mul", [velocity, scalar("learningRate")])]), velocity];
}

/**
 * m' = β1·m + (1−β1)·g;  v' = β2·v + (1−β2)·g²;  p' = keep·p − η·m' / (√v' / r + ε) with η = lr / (1−β1ᵗ), r = √(1−β2ᵗ).
 * Every node is a pass over memory, so scalars are multiplied with each other first: g is never made, and the last term
 * is η·r·m' / (√v' + r·ε).
 */
function adamwUpdate(
  b: Emitter,
  spec: OptimizerSpec & { kind: "adamw" },
  { param, gradSum, states, scalar }: Operands,
): Value[] {
  const scaled = (value: Value, by: string): Value => b.emit("Mul", [value, scalar(by)]);
  const first = b.emit("Add", [times(b, states[0]!, spec.beta1), scaled(gradSum, "firstScale")]);
  const root = scaled(gradSum, "secondScale");
  const second = b.emit("Add", [times(b, states[1]!, spec.beta2), b.emit("Mul", [root, root])]);
  const denominator = b.emit("Add", [b.emit("Sqrt", [second]), scalar("floor")]);
  const step = b.emit("Div", [scaled(first, "stepSize"), denominator]);
  return [b.emit("Sub", [scaled(param, "keep"), step]), first, second];
}

function times(b: Emitter, value: Value, factor: number): Value {
  return b.emit("Mul", [value, b.scalar(factor, "float32")]);
}
