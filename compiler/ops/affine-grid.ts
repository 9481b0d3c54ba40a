/** @file AffineGrid: the coordinates of an image under affine maps. */
import { listed } from "../ir/listed.js";
import type { Shape } from "../ir/graph.js";
import { elementCount, literalOf } from "../ir/literal.js";
import type { OpDef, Operand } from "./define.js";
import { int } from "./define.js";
import { reshape } from "./emission.js";
import { coordinatesOf, stepsOf } from "./picking.js";
import { formatShape, mismatch, numbersAt, sameShape, typeAt } from "./shape.js";
import { trafficBytes } from "./work.js";

export interface AffineGridAttrs {
  AffineGrid: { readonly align_corners: number };
}

/** The spatial axes of `size`, [N, C, …]. @throws SHAPE_MISMATCH unless theta holds one map per image. */
export function spatialSize(x: readonly (Operand | undefined)[]): Shape {
  const theta = typeAt(x, 0).shape;
  const [batch, , ...spatial] = numbersAt(x, 1);
  const rank = spatial.length;
  if ((rank !== 2 && rank !== 3) || !sameShape(theta, [batch!, rank, rank + 1])) {
    throw mismatch(
      `theta does not fit the size; got ${formatShape(theta)} for ${formatShape(numbersAt(x, 1))}, expected [N,2,3] for [N,C,H,W] or [N,3,4] for [N,C,D,H,W].`,
    );
  }
  return spatial;
}

/** Element `at` of an axis in −1..1: the ends are the first and last element, or their outer edges. */
function unitCoordinate(at: number, size: number, alignCorners: boolean): number {
  if (alignCorners) return size > 1 ? (2 * at) / (size - 1) - 1 : -1;
  return (2 * at + 1) / size - 1;
}

/** Rows (x, y, …, 1), innermost axis first, for every element in row-major order. */
export function baseGrid(spatial: Shape, alignCorners: boolean): readonly number[] {
  const steps = stepsOf(spatial);
  return listed(elementCount(spatial), (position) => {
    const units = coordinatesOf(position, steps, spatial).map((at, axis) =>
      unitCoordinate(at, spatial[axis]!, alignCorners),
    );
    return [...units.reverse(), 1];
  }).flat();
}

export const affineGrid: { readonly [K in keyof AffineGridAttrs]: OpDef<K> } = {
  AffineGrid: {
    attributes: { align_corners: int(0) },
    infer: (x) => {
      const { dtype, shape } = typeAt(x, 0);
      const spatial = spatialSize(x);
      return [{ dtype, shape: [shape[0]!, ...spatial, spatial.length] }];
    },
    work: (x, y) => ({ flops: 2 * elementCount(y[0]!.shape) * x[0]!.shape[2]!, bytes: trafficBytes(x, y) }),
    // y = base·θᵀ  =>  dθ = dyᵀ·base
    grad: (b, { x, dy: [dy], attrs: { align_corners } }) => {
      const spatial = spatialSize(x);
      const [count, rank] = [elementCount(spatial), spatial.length];
      const base = literalOf(dy!.type.dtype, [count, rank + 1], baseGrid(spatial, align_corners !== 0));
      const rows = reshape(b, dy!, [dy!.type.shape[0]!, count, rank]);
      const columns = b.emit("Transpose", [rows], { perm: [0, 2, 1] });
      return [b.emit("MatMul", [columns, b.literal(base)]), undefined];
    },
  },
};
