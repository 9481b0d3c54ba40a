/** @file Holds what a file declares of types against what its nodes make. A file that contradicts itself is damaged. */
import { PipewrightError } from "../errors.js";
import type { Graph, TensorType } from "../ir/graph.js";
import { formatName } from "../names.js";
import { elementTypeNamed } from "../ops/element-type.js";
import { dtypeCode } from "./dtype.js";
import { trainingDType } from "./precision.js";
import type { GraphProto, ValueInfoProto } from "./proto.js";
import { has, numberOf } from "./proto.js";

/**
 * Checks the declared types of the values that are left in `built`: outputs, value_info, and inputs that are
 * initializers too. Symbolic and unset sizes fit all; `anyShape` leaves sizes out altogether, for callers that replace
 * the shapes of the file.
 * @throws SHAPE_MISMATCH with the declared and the inferred type.
 */
export function checkDeclaredTypes(graph: GraphProto, built: Graph, anyShape = false): void {
  const types = new Map<string, TensorType>();
  for (const { name, type } of [...built.inputs, ...built.params, ...built.outputs]) types.set(name, type);
  for (const node of built.nodes) for (const value of node.outputs) if (value) types.set(value.name, value.type);
  const check = (part: string, infos: readonly ValueInfoProto[] = []): void => {
    for (const [position, info] of infos.entries()) {
      const inferred = types.get(info.name);
      if (!inferred || fits(info, inferred, anyShape)) continue;
      throw new PipewrightError(
        "SHAPE_MISMATCH",
        `graph.${part}[${position}] ${formatName(info.name)}: the declared type is wrong; got ${declaredText(info)}, expected ${inferred.dtype}[${inferred.shape.join(",")}] from the nodes. Correct the declaration or leave it out.`,
        { value: info.name },
      );
    }
  };
  check("output", graph.output);
  check("value_info", graph.value_info);
  check("input", graph.input);
}

function fits({ type }: ValueInfoProto, inferred: TensorType, anyShape: boolean): boolean {
  if (!type?.tensor_type) return true;
  const { elem_type: code, shape } = type.tensor_type;
  if (code && trainingCode(code) !== dtypeCode(inferred.dtype)) return false;
  if (anyShape || !shape) return true;
  const dims = shape.dim ?? [];
  if (dims.length !== inferred.shape.length) return false;
  return dims.every((dim, axis) => {
    const size = has(dim, "dim_value") ? numberOf(dim.dim_value!) : 0;
    return size <= 0 || size === inferred.shape[axis];
  });
}

/** What a declared element type is in the graph. */
function trainingCode(code: number): number {
  const dtype = elementTypeNamed(code);
  return dtype ? dtypeCode(trainingDType(dtype)) : code;
}

function declaredText({ type }: ValueInfoProto): string {
  const { elem_type: code, shape } = type!.tensor_type!;
  const dims = (shape?.dim ?? []).map((dim) => (has(dim, "dim_value") ? String(numberOf(dim.dim_value!)) : "?"));
  return `element type ${code} with shape [${dims.join(",")}]`;
}
