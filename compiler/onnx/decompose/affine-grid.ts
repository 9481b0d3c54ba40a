/**
 * @file AffineGrid where engines differ from ONNX: with aligned corners the only element of an axis lies at −1, the first
 * of the corners; ONNX Runtime puts it at 1. Source: the reference implementation of ONNX AffineGrid-20.
 */
import { elementCount, literalOf } from "../../ir/literal.js";
import { baseGrid, spatialSize } from "../../ops/affine-grid.js";
import type { Simplification } from "../source.js";
import { inputAt, numberAttr } from "../source.js";
import { permuted, shaped } from "./emission.js";

/** y = base·θᵀ. */
export const affineGrid: Simplification = (b, node) => {
  const theta = inputAt(node, 0);
  const spatial = spatialSize([theta, b.known(inputAt(node, 1))]);
  if (numberAttr(node, "align_corners", 0) === 0 || !spatial.includes(1)) return undefined;
  const { dtype, shape } = theta.type;
  const base = b.literal(literalOf(dtype, [elementCount(spatial), spatial.length + 1], baseGrid(spatial, true)));
  const rows = b.emit("MatMul", [base, permuted(b, theta, [0, 2, 1])]);
  return [shaped(b, rows, [shape[0]!, ...spatial, spatial.length])];
};
