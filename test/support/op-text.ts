/** @file One op as text: the types it gives, the backward nodes its rule emits, what it refuses. */
import { differentiate } from "../../compiler/autodiff/differentiate.js";
import { PipewrightError } from "../../compiler/errors.js";
import { isFloat } from "../../compiler/ir/literal.js";
import { formatNode, formatType } from "../../compiler/ir/print.js";
import type { OpDef } from "../../compiler/ops/define.js";
import { OPS } from "../../compiler/ops/registry.js";
import { sampleGraph } from "../contract/op-samples/run.js";
import type { OpSample } from "../contract/op-samples/sample.js";

/** Types of the outputs, such as "float32[2,3]". */
export function typesOf(sample: OpSample): readonly string[] {
  return sampleGraph(sample).graph.outputs.map(({ type }) => formatType(type));
}

/** The backward nodes, one per line, when a gradient arrives at the first output and all float inputs want one. */
export function gradientText(sample: OpSample): string {
  const { graph, floats } = sampleGraph(sample);
  const output = graph.outputs.find(({ type }) => isFloat(type.dtype))!;
  const full = differentiate(graph, OPS, { seeds: [{ output, upstream: "dy" }], wrt: floats });
  const prefix = `${graph.nodes[0]!.name}/grad/`;
  const lines = full.graph.nodes
    .filter(({ id }) => full.phase.get(id) !== "F")
    .map((node) => formatNode(node).replaceAll(prefix, ""));
  const results = full.inputGrads.map(({ of, grad }) => `d${of.name} = ${grad.name.replace(prefix, "")}`);
  return `\n${[...lines, ...results].join("\n")}\n`;
}

/** The message with which the shape rule refuses the sample. */
export function refusalOf(sample: OpSample): string {
  try {
    sampleGraph(sample);
  } catch (error) {
    if (error instanceof PipewrightError) return error.message;
    throw error;
  }
  return "not refused";
}

/** Floating-point operations by the op's work rule. */
export function flopsOf(sample: OpSample): number {
  const { graph } = sampleGraph(sample);
  const node = graph.nodes[0]!;
  const types = (values: readonly ({ type: unknown } | undefined)[]): never =>
    values.map((value) => value?.type) as never;
  const { work } = OPS[sample.op] as unknown as OpDef<"Add">;
  return work(types(node.inputs), types(node.outputs), node.attrs as never).flops;
}
