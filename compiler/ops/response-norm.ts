/** @file Normalization by a norm or by neighbours: LpNormalization, LRN, MeanVarianceNormalization. */
import type { Shape, TensorType, Value } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import { inverseDeviation } from "./channel-affine.js";
import type { Emitter, OpDef } from "./define.js";
import { float, int, ints, required } from "./define.js";
import { meanOver, reshape, sumOver } from "./emission.js";
import { add, div, equal, mul, select, square, sub } from "./expression.js";
import { formatShape, mismatch, normalizeAxis, typeAt } from "./shape.js";
import { perElement, perInputElement } from "./work.js";

export interface ResponseNormAttrs {
  LpNormalization: { readonly axis: number; readonly p: number };
  LRN: { readonly alpha: number; readonly beta: number; readonly bias: number; readonly size: number };
  MeanVarianceNormalization: { readonly axes: readonly number[] };
}

/** Where the variance is 0, ONNX divides by a deviation of 1e-9; this adds its square to the variance. */
const LEAST_VARIANCE = 1e-18;

/**
 * Mean over `size` neighbouring channels, with zeros beyond the first and the last: `before` of them lie before the
 * channel itself. Channels become the rows of an image with one column per remaining element. Of a window that is wider
 * than they are many, as much is summed as holds channels.
 */
export function channelWindowMean(b: Emitter, value: Value, size: number, before: number): Value {
  const { shape } = value.type;
  const image = reshape(b, value, [shape[0]!, 1, shape[1]!, elementCount(shape.slice(2))]);
  const others = Math.max(0, shape[1]! - 1);
  const [above, below] = [Math.min(before, others), Math.min(size - 1 - before, others)];
  const summed = above + 1 + below;
  const mean = b.emit("AveragePool", [image], {
    kernel_shape: [summed, 1],
    pads: [above, 0, below, 0],
    count_include_pad: 1,
  });
  return reshape(b, summed === size ? mean : mul(b, mean, summed / size), shape);
}

/** Whether a window over neighbouring channels holds more than all of them, wherever it lies. */
export function isWiderThanChannels(size: number, { shape }: TensorType): boolean {
  return size > 2 * shape[1]! + 1;
}

/** Mean 0 and variance 1 over any axes, and what arrives at x when the result has gradient d. */
function standardizedGradient(b: Emitter, x: Value, d: Value, axes: readonly number[]): Value {
  const centered = sub(b, x, meanOver(b, x, axes));
  const inverse = inverseDeviation(b, meanOver(b, square(b, centered), axes), LEAST_VARIANCE);
  const normalized = mul(b, centered, inverse);
  const along = mul(b, normalized, meanOver(b, mul(b, d, normalized), axes));
  return mul(b, sub(b, sub(b, d, meanOver(b, d, axes)), along), inverse);
}

function axesOf(axes: readonly number[], shape: Shape): readonly number[] {
  return axes.map((axis) => normalizeAxis(axis, shape.length));
}

export const responseNorm: { readonly [K in keyof ResponseNormAttrs]: OpDef<K> } = {
  LpNormalization: {
    attributes: { axis: int(-1), p: int(2) },
    infer: (x, { axis, p }) => {
      const type = typeAt(x, 0);
      normalizeAxis(axis, type.shape.length);
      if (p !== 1 && p !== 2) throw mismatch(`attribute "p" is ${p}; expected 1 or 2.`);
      return [type];
    },
    work: perElement(3),
    // y = x/‖x‖  =>  dx = (dy − u·Σdy·y)/‖x‖ with u = y for p = 2 and sign x for p = 1; 0 where the norm is 0
    grad: (b, { x: [x], y: [y], dy: [dy], attrs: { axis, p } }) => {
      const axes = [normalizeAxis(axis, x!.type.shape.length)];
      const norm = b.emit(p === 1 ? "ReduceL1" : "ReduceL2", [x, b.int64s(axes)], { keepdims: 1 });
      const isZero = equal(b, norm, 0);
      const inverse = select(b, isZero, 0, div(b, 1, select(b, isZero, 1, norm)));
      const along = sumOver(b, mul(b, dy!, y!), axes, true);
      const direction = p === 1 ? b.emit("Sign", [x]) : y!;
      return [mul(b, sub(b, dy!, mul(b, direction, along)), inverse)];
    },
  },

  LRN: {
    attributes: { alpha: float(0.0001), beta: float(0.75), bias: float(1), size: required(int()) },
    infer: (x, { size }) => {
      const type = typeAt(x, 0);
      if (type.shape.length < 3) throw mismatch(`input 0 is ${formatShape(type.shape)}; expected [N,C,…].`);
      if (size < 1) throw mismatch(`attribute "size" is ${size}; expected at least 1.`);
      return [type];
    },
    work: (x, y, { size }) => perElement(2 * Math.min(size, 2 * x[0]!.shape[1]! + 1) + 3)(x, y),
    // s = bias + α·mean x²,  y = x·s^−β  =>  dx = dy·s^−β − 2αβ·x·mean'(dy·y/s), where mean' looks the other way
    grad: (b, { x: [x], y: [y], dy: [dy], attrs: { alpha, beta, bias, size } }) => {
      const before = Math.floor((size - 1) / 2);
      const mean = channelWindowMean(b, square(b, x!), size, before);
      const s = add(b, mul(b, mean, alpha), bias);
      const direct = mul(b, dy!, b.emit("Pow", [s, b.scalar(-beta, x!.type.dtype)]));
      const spread = channelWindowMean(b, div(b, mul(b, dy!, y!), s), size, size - 1 - before);
      return [sub(b, direct, mul(b, mul(b, x!, spread), 2 * alpha * beta))];
    },
  },

  MeanVarianceNormalization: {
    attributes: { axes: ints([0, 2, 3]) },
    infer: (x, { axes }) => {
      const type = typeAt(x, 0);
      axesOf(axes, type.shape);
      return [type];
    },
    work: perInputElement(7),
    grad: (b, { x: [x], dy: [dy], attrs }) => [standardizedGradient(b, x!, dy!, axesOf(attrs.axes, x!.type.shape))],
  },
};
