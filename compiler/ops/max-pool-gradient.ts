/**
 * @file The gradient of max pooling: to the first element of each window, in row-major order, that attains the maximum,
 * as in torch.
 */
import { listed } from "../ir/listed.js";
import type { Value } from "../ir/graph.js";
import { elementCount, literalOf } from "../ir/literal.js";
import type { Emitter } from "./define.js";
import { asType, padZeros, reshape, slice, zeros } from "./emission.js";
import { equal, mul, select } from "./expression.js";
import type { OpAttrs } from "./types.js";
import type { Window } from "./window.js";
import { extentOf, padsOf } from "./window.js";

/** A MaxPool seen from its output. */
export interface MaxPoolUse {
  readonly x: Value;
  readonly y: Value;
  readonly dy: Value;
  /** Flat row-major places of the maxima, where the forward node gives them. */
  readonly indices: Value | undefined;
  readonly window: Window;
  readonly attrs: OpAttrs["MaxPool"];
}

/** The gradient with respect to x. */
export function maxPoolGradient(b: Emitter, use: MaxPoolUse): Value {
  if (use.indices === undefined && tilesPlane(use)) return byComparison(b, use);
  return byPlaces(b, use);
}

/** True when no input element lies in two windows. */
function disjoint(window: Window): boolean {
  return window.kernel.every((size, axis) => size === 1 || extentOf(window, axis) <= window.strides[axis]!);
}

/** Scatters to the flat places of the maxima. They are found again from x where the forward node left them out. */
function byPlaces(b: Emitter, { x, dy, indices, window, attrs }: MaxPoolUse): Value {
  const places = indices ?? b.emitMany("MaxPool", [x], 2, { ...attrs, storage_order: 0 })[1]!;
  const count = elementCount(dy.type.shape);
  const flat = zeros(b, { dtype: x.type.dtype, shape: [elementCount(x.type.shape)] });
  const scattered = b.emit("ScatterElements", [flat, reshape(b, places, [count]), reshape(b, dy, [count])], {
    reduction: disjoint(window) ? "none" : "add",
  });
  return reshape(b, scattered, x.type.shape);
}

/** True for windows side by side on a plane, without padding or a last one that hangs over the end. */
function tilesPlane({ x, y, window }: MaxPoolUse): boolean {
  return (
    window.kernel.length === 2 &&
    padsOf(window).every((pad) => pad === 0) &&
    window.kernel.every((size, axis) => {
      const covered = size * y.type.shape[axis + 2]!;
      return window.dilations[axis] === 1 && size === window.strides[axis] && covered <= x.type.shape[axis + 2]!;
    })
  );
}

/**
 * Compares x with the maximum of its window. Of the elements that attain it, the first is chosen by pooling numbers
 * that fall along the window. Several times faster than the pooling kernel that gives places.
 */
function byComparison(b: Emitter, { x, y, dy, window }: MaxPoolUse): Value {
  const { dtype, shape } = x.type;
  const [height, width] = window.kernel as readonly [number, number];
  const covered = y.type.shape.map((size, axis) => (axis < 2 ? size : size * window.kernel[axis - 2]!));
  const inside = slice(
    b,
    x,
    covered.map((end, axis) => ({ axis, start: 0, end })),
  );
  const enlarged = (value: Value): Value => {
    const scales = b.literal(literalOf("float32", [4], [1, 1, height, width]));
    return b.emit("Resize", [value, undefined, scales], {
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    });
  };
  const attains = asType(b, equal(b, inside, enlarged(y)), dtype);
  const across = covered[3]!;
  const falling = listed(height * across, (at) => {
    const [row, column] = [Math.floor(at / across), at % width];
    return height * width - (row * width + column);
  });
  const strips = reshape(b, attains, [elementCount(covered) / falling.length, height, across]);
  const weighted = mul(b, strips, b.literal(literalOf(dtype, [height, across], falling)));
  const numbers = reshape(b, weighted, covered);
  const first = equal(
    b,
    numbers,
    enlarged(b.emit("MaxPool", [numbers], { kernel_shape: window.kernel, strides: window.strides })),
  );
  const grad = select(b, first, enlarged(dy), 0);
  return padZeros(
    b,
    grad,
    shape.map(() => 0),
    shape.map((size, axis) => size - covered[axis]!),
  );
}
