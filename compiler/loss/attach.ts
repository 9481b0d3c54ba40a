/** @file Puts the loss at the end of a graph. */
import { plainName } from "../names.js";
import { suggestion } from "../closest.js";
import { PipewrightError } from "../errors.js";
import type { GraphBuilder } from "../ir/builder.js";
import { extend } from "../ir/builder.js";
import type { DType, Graph, Shape, Value } from "../ir/graph.js";
import { elementCount, isFloat } from "../ir/literal.js";
import { formatType } from "../ir/print.js";
import type { OpTable } from "../ops/define.js";
import { elementTypeCode } from "../ops/element-type.js";
import type { LossSpec, TargetLossSpec } from "./spec.js";
import { binaryCrossEntropy, meanSquaredError, softmaxCrossEntropy } from "./terms.js";

/** A graph that computes its loss. */
export interface WithLoss {
  /** The loss is the first output; the model's outputs follow. */
  readonly graph: Graph;
  /** Scalar, float32. */
  readonly loss: Value;
  /** Inputs that bring targets, in the order of the terms, each once. */
  readonly targets: readonly Value[];
}

/**
 * Adds the weighted sum of `terms` to the graph. Without terms the model's only scalar float output is the loss.
 *
 * Requires: a verified graph.
 * Ensures: nodes of the model are unchanged. A target is a new input, or an input of the model that has its name.
 * @throws LOSS_UNKNOWN when a term names an output that the model lacks or that does not fit; the outputs are listed.
 */
export function attachLoss(graph: Graph, ops: OpTable, terms: readonly LossSpec[]): WithLoss {
  const builder = extend(ops, graph);
  builder.prefix = "loss/";
  const targets = new Map<string, Value>();
  const specs = terms.length > 0 ? terms : [{ kind: "output", output: onlyScalar(graph).name, weight: 1 } as const];
  let sum: Value | undefined;
  for (const spec of specs) {
    const term = weighted(builder, buildTerm(builder, graph, spec, targets), spec.weight);
    sum = sum ? builder.emit("Add", [sum, term]) : term;
  }
  const loss = sum!;
  const others = graph.outputs.filter(({ id }) => id !== loss.id);
  return { graph: builder.build(graph.name, [loss, ...others]), loss, targets: [...targets.values()] };
}

function buildTerm(builder: GraphBuilder, graph: Graph, spec: LossSpec, targets: Map<string, Value>): Value {
  if (spec.kind === "output") return asScalar(builder, outputNamed(graph, spec.output));
  const output = spec.output === undefined ? onlyFloat(graph) : outputNamed(graph, spec.output);
  if (!isFloat(output.type.dtype)) throw unfit(output, "expected floats");
  const classAxis = spec.kind === "softmax-cross-entropy" ? classAxisOf(output, spec) : undefined;
  const shape = output.type.shape.filter((_, axis) => axis !== classAxis);
  const target = targetFor(
    builder,
    graph,
    spec,
    targets,
    classAxis === undefined ? output.type.dtype : undefined,
    shape,
  );
  switch (spec.kind) {
    case "mse":
      return asFloat32(builder, meanSquaredError(builder, output, target));
    case "bce-with-logits":
      return asFloat32(builder, binaryCrossEntropy(builder, output, target));
    case "softmax-cross-entropy": {
      const { ignoreIndex } = spec;
      return asFloat32(builder, softmaxCrossEntropy(builder, output, target, { axis: classAxis!, ignoreIndex }));
    }
  }
}

function classAxisOf(output: Value, { axis = -1 }: TargetLossSpec): number {
  const rank = output.type.shape.length;
  if (axis < -rank || axis >= rank) throw unfit(output, `it has no class axis ${axis}`);
  return axis < 0 ? axis + rank : axis;
}

/** The input that brings the target. Class numbers (`dtype` undefined) are int64 in a new input, int64 or int32 in the model's own. */
function targetFor(
  builder: GraphBuilder,
  graph: Graph,
  { target: name, kind }: TargetLossSpec,
  targets: Map<string, Value>,
  dtype: DType | undefined,
  shape: Shape,
): Value {
  const known = targets.get(name) ?? graph.inputs.find((input) => input.name === name);
  const type = { dtype: dtype ?? "int64", shape };
  const target = known ?? builder.input(name, type);
  const accepted = dtype ? [type] : [type, { ...type, dtype: "int32" as const }];
  if (!accepted.map(formatType).includes(formatType(target.type))) {
    throw new PipewrightError(
      "LOSS_UNKNOWN",
      `target ${name}: it does not fit ${kind}; got ${formatType(target.type)}, expected ${accepted.map(formatType).join(" or ")}. Name another target.`,
      { target: name },
    );
  }
  if (target.name !== name) throw nameTaken(name);
  targets.set(name, target);
  return target;
}

function nameTaken(name: string): PipewrightError {
  return new PipewrightError(
    "LOSS_UNKNOWN",
    `target ${name}: the model has another value of that name. Name the target differently.`,
    { target: name },
  );
}

function asScalar(builder: GraphBuilder, value: Value): Value {
  if (!isFloat(value.type.dtype) || elementCount(value.type.shape) !== 1) throw unfit(value, "expected a scalar float");
  const scalar = value.type.shape.length === 0 ? value : builder.emit("Reshape", [value, builder.int64s([])]);
  return asFloat32(builder, scalar);
}

function asFloat32(builder: GraphBuilder, value: Value): Value {
  return value.type.dtype === "float32" ? value : builder.emit("Cast", [value], { to: elementTypeCode("float32") });
}

function weighted(builder: GraphBuilder, value: Value, weight: number): Value {
  return weight === 1 ? value : builder.emit("Mul", [value, builder.scalar(weight, "float32")]);
}

function outputNamed(graph: Graph, name: string): Value {
  const output = graph.outputs.find((value) => value.name === name);
  if (output) return output;
  const names = graph.outputs.map((value) => value.name);
  throw new PipewrightError(
    "LOSS_UNKNOWN",
    `loss: the model has no output ${name}; ${listOutputs(graph)}.${suggestion(name, names)}`,
    { output: name, outputs: names },
  );
}

function onlyFloat(graph: Graph): Value {
  return only(
    graph,
    graph.outputs.filter(({ type }) => isFloat(type.dtype)),
    "float",
  );
}

function onlyScalar(graph: Graph): Value {
  const scalars = graph.outputs.filter(({ type }) => isFloat(type.dtype) && type.shape.length === 0);
  return only(graph, scalars, "scalar float");
}

function only(graph: Graph, candidates: readonly Value[], what: string): Value {
  if (candidates.length === 1) return candidates[0]!;
  throw new PipewrightError(
    "LOSS_UNKNOWN",
    `loss: the model does not have exactly one ${what} output; ${listOutputs(graph)}. Name one: --loss KIND:OUTPUT=TARGET or --loss output:NAME.`,
    { outputs: graph.outputs.map(({ name }) => name) },
  );
}

function listOutputs(graph: Graph): string {
  return `it has ${graph.outputs.map(({ name, type }) => `${plainName(name)} ${formatType(type)}`).join(", ")}`;
}

function unfit(output: Value, what: string): PipewrightError {
  return new PipewrightError(
    "LOSS_UNKNOWN",
    `output ${output.name}: it is ${formatType(output.type)}; ${what}. Choose another output or another loss.`,
    { output: output.name },
  );
}
