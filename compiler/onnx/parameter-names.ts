/** @file Which tensors that nodes make are weights: named like parameters, and read where operators have weights. */
import { WEIGHT_INPUTS } from "./positions.js";
import type { NodeProto } from "./proto.js";

/** Names that exporters give to results of nodes: paths, counters, ports. Parameters have none of these. */
const GENERATED = /[/:]|^\d+$|_output_\d+$|^onnx/;

/** True for a name that somebody chose. */
export function isParameterName(name: string): boolean {
  return !GENERATED.test(name);
}

/** A name for a constant that no import takes for a parameter's. */
export function constantName(name: string): string {
  return isParameterName(name) ? `/${name}` : name;
}

/** Names like those of parameters that the nodes read where weights are. */
export function weightNames(nodes: readonly NodeProto[]): ReadonlySet<string> {
  const read = nodes.flatMap(({ op_type, input = [] }) =>
    (WEIGHT_INPUTS.get(op_type) ?? []).flatMap((position) => input[position] ?? []),
  );
  return new Set(read.filter(isParameterName));
}
