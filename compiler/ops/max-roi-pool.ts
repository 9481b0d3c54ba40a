/** @file MaxRoiPool: the maximum of an image over the bins of boxes of whole elements. */
import { listed } from "../ir/listed.js";
import type { Value } from "../ir/graph.js";
import { elementCount, literalOf } from "../ir/literal.js";
import type { Candidates } from "./bin-maximum.js";
import { maximumGradient } from "./bin-maximum.js";
import type { BoxAxis } from "./box-samples.js";
import { counting, largestExtent } from "./box-samples.js";
import type { Emitter, OpDef } from "./define.js";
import { float, ints, required } from "./define.js";
import { asType, reshape, slice, zeros } from "./emission.js";
import { add, div, greater, mul, select, sub } from "./expression.js";
import { formatShape, mismatch, typeAt } from "./shape.js";
import { trafficBytes } from "./work.js";

export interface MaxRoiPoolAttrs {
  MaxRoiPool: { readonly pooled_shape: readonly number[]; readonly spatial_scale: number };
}

/** Numbers of a box: its image, then x and y of both corners. */
const BOX_NUMBERS = 5;

/** The nearest whole number, halves away from zero. */
function rounded(b: Emitter, value: Value): Value {
  const size = b.emit("Abs", [value]);
  const whole = b.emit("Floor", [size]);
  const up = b.emit("GreaterOrEqual", [sub(b, size, whole), b.scalar(0.5, value.type.dtype)]);
  return mul(b, b.emit("Sign", [value]), select(b, up, add(b, whole, 1), whole));
}

/** Elements that a bin holds at most: those of the axis, or of the bins of the largest box where boxes are known. */
function mostElements(boxes: Value, axis: BoxAxis, scale: number): number {
  const largest = largestExtent(boxes, axis, scale);
  return largest === undefined ? axis.size : Math.min(axis.size, Math.ceil((largest + 2) / axis.bins) + 2);
}

/** The elements of every bin along one axis. Bins end where the image does. */
function binElements(b: Emitter, boxes: Value, axis: BoxAxis, scale: number): Candidates {
  const { bins, size } = axis;
  const { dtype, shape } = boxes.type;
  const corner = (column: number): Value => {
    const numbers = slice(b, boxes, [{ axis: 1, start: column, end: column + 1 }]);
    return reshape(b, rounded(b, mul(b, numbers, scale)), [shape[0]!, 1, 1]);
  };
  const [from, to] = [corner(axis.start), corner(axis.end)];
  const extent = b.emit("Max", [add(b, sub(b, to, from), 1), b.scalar(1, dtype)]);
  const bin = div(b, extent, bins);
  const border = (first: number, rounding: "Floor" | "Ceil"): Value => {
    const numbers = listed(bins, (at) => first + at);
    const inBox = b.emit(rounding, [mul(b, bin, b.literal(literalOf(dtype, [bins, 1], numbers)))]);
    return b.emit("Clip", [add(b, inBox, from), b.scalar(0, dtype), b.scalar(size, dtype)]);
  };
  const element = add(b, border(0, "Floor"), counting(b, boxes, mostElements(boxes, axis, scale)));
  const holds = greater(b, border(1, "Ceil"), element);
  const position = asType(b, b.emit("Min", [element, b.scalar(size - 1, dtype)]), "int64");
  return { position, weight: asType(b, holds, dtype), holds };
}

export const maxRoiPool: { readonly [K in keyof MaxRoiPoolAttrs]: OpDef<K> } = {
  MaxRoiPool: {
    attributes: { pooled_shape: required(ints()), spatial_scale: float(1) },
    infer: (x, { pooled_shape }) => {
      const { dtype, shape } = typeAt(x, 0);
      const boxes = typeAt(x, 1).shape;
      if (shape.length !== 4 || boxes.length !== 2 || boxes[1] !== BOX_NUMBERS || pooled_shape.length !== 2) {
        throw mismatch(
          `boxes do not fit; got image ${formatShape(shape)}, boxes ${formatShape(boxes)} and pooled shape ${formatShape(pooled_shape)}, expected [N,C,H,W], [R,5] and [rows,columns].`,
        );
      }
      return [{ dtype, shape: [boxes[0]!, shape[1]!, ...pooled_shape] }];
    },
    work: (x, y) => ({ flops: elementCount(x[0]!.shape), bytes: trafficBytes(x, y) }),
    // The boxes get no gradient: the borders of bins are whole numbers.
    grad: (b, { x: [x, boxes], dy: [dy], attrs: { pooled_shape, spatial_scale } }) => {
      const [, , height, width] = x!.type.shape as readonly [number, number, number, number];
      if (elementCount(x!.type.shape) * elementCount(dy!.type.shape) === 0) return [zeros(b, x!.type), undefined];
      const [down, across] = pooled_shape as readonly [number, number];
      const image = asType(b, slice(b, boxes!, [{ axis: 1, start: 0, end: 1 }]), "int64");
      const rows = binElements(b, boxes!, { start: 2, end: 4, bins: down, size: height }, spatial_scale);
      const columns = binElements(b, boxes!, { start: 1, end: 3, bins: across, size: width }, spatial_scale);
      const grad = maximumGradient(b, { x: x!, image: reshape(b, image, [dy!.type.shape[0]!]), rows, columns }, dy!);
      return [grad, undefined];
    },
  },
};
