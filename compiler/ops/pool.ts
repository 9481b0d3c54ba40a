/** @file Pooling over sliding windows: MaxPool, AveragePool, LpPool, and MaxUnpool. */
import { listed } from "../ir/listed.js";
import type { Shape, TensorType, Value } from "../ir/graph.js";
import { elementCount, literalNumbers, literalOf } from "../ir/literal.js";
import type { Emitter, OpDef } from "./define.js";
import { int, required, ints } from "./define.js";
import { reshape, zeros } from "./emission.js";
import { maxPoolGradient } from "./max-pool-gradient.js";
import { div, equal, mul, select } from "./expression.js";
import { formatShape, mismatch, numbersAt, sameShape, typeAt } from "./shape.js";
import type { Window, WindowAttrs } from "./window.js";
import { adjointPadding, resolveWindow, slideShape, spatialOf, windowAttributes } from "./window.js";
import { trafficBytes } from "./work.js";

type SlidingPool = WindowAttrs & { readonly kernel_shape: readonly number[]; readonly ceil_mode: number };

export interface PoolAttrs {
  MaxPool: SlidingPool & { readonly storage_order: number };
  AveragePool: SlidingPool & { readonly count_include_pad: number };
  LpPool: SlidingPool & { readonly p: number };
  MaxUnpool: {
    readonly kernel_shape: readonly number[];
    readonly pads?: readonly number[];
    readonly strides?: readonly number[];
  };
}

const poolAttributes = { ...windowAttributes, kernel_shape: required(ints()), ceil_mode: int(0) };

function poolWindow(x: Shape, attrs: SlidingPool): Window {
  return resolveWindow(spatialOf(x), attrs.kernel_shape, attrs);
}

/** @throws SHAPE_MISMATCH when given pads leave room for a window without any element, which has no result. */
function pooledShape(x: Shape, attrs: SlidingPool): Shape {
  const { pads = [], kernel_shape: kernel, auto_pad } = attrs;
  if (auto_pad === "NOTSET" && pads.some((size, at) => size >= kernel[at % kernel.length]!))
    throw mismatch(
      `attribute "pads" is wrong; got [${pads.join(",")}], expected less than the kernel [${kernel.join(",")}].`,
    );
  return [...x.slice(0, 2), ...slideShape(spatialOf(x), poolWindow(x, attrs), attrs.ceil_mode !== 0)];
}

/** One operation per element of each window. */
function poolWork(x: readonly (TensorType | undefined)[], y: readonly (TensorType | undefined)[], attrs: SlidingPool) {
  return { flops: elementCount(y[0]!.shape) * elementCount(attrs.kernel_shape), bytes: trafficBytes(x, y) };
}

/**
 * The adjoint of summing over windows: every element of `grad` is added to all input elements its window covers.
 * Channels become batch entries, so it is one transposed convolution with a kernel of ones.
 */
function spreadOverWindows(b: Emitter, grad: Value, x: TensorType, window: Window): Value {
  const [batch, channels, ...from] = grad.type.shape as readonly [number, number, ...number[]];
  const ones = literalOf(
    x.dtype,
    [1, 1, ...window.kernel],
    listed(elementCount(window.kernel), () => 1),
  );
  const single = reshape(b, grad, [batch * channels, 1, ...from]);
  const spread = b.emit("ConvTranspose", [single, b.literal(ones)], {
    strides: window.strides,
    dilations: window.dilations,
    ...adjointPadding(from, x.shape.slice(2), window),
  });
  return reshape(b, spread, x.shape);
}

/**
 * How many elements an average divides by, at each position along one axis: those inside the input, or inside input
 * and padding if `includePads`.
 */
function countsAlong(
  axis: number,
  size: number,
  positions: number,
  window: Window,
  includePads: boolean,
): readonly number[] {
  const [begin, dilation] = [window.padsBegin[axis]!, window.dilations[axis]!];
  const [least, most] = includePads ? [-begin, size + window.padsEnd[axis]!] : [0, size];
  return listed(positions, (position) => {
    const start = position * window.strides[axis]! - begin;
    const taps = listed(window.kernel[axis]!, (tap) => start + tap * dilation);
    return taps.filter((at) => at >= least && at < most).length;
  });
}

/** One divided by the element count of each window, [1, 1, …positions]; a scalar when all windows hold as many. */
function inverseCounts(b: Emitter, x: TensorType, y: Shape, window: Window, includePads: boolean): Value {
  const positions = y.slice(2);
  const along = positions.map((count, axis) => countsAlong(axis, x.shape[axis + 2]!, count, window, includePads));
  const counts = along.reduce<readonly number[]>((all, own) => all.flatMap((a) => own.map((c) => a * c)), [1]);
  if (counts.every((count) => count === counts[0])) return b.scalar(1 / (counts[0] ?? 1), x.dtype);
  return b.literal(
    literalOf(
      x.dtype,
      [1, 1, ...positions],
      counts.map((count) => 1 / count),
    ),
  );
}

export const pool: { readonly [K in keyof PoolAttrs]: OpDef<K> } = {
  MaxPool: {
    attributes: { ...poolAttributes, storage_order: int(0) },
    infer: (x, attrs) => {
      const { dtype, shape } = typeAt(x, 0);
      const pooled = pooledShape(shape, attrs);
      return [
        { dtype, shape: pooled },
        { dtype: "int64", shape: pooled },
      ];
    },
    work: poolWork,
    grad: (b, { x: [x], y: [y, indices], dy: [dy], attrs }) => {
      if (elementCount(x!.type.shape) === 0) return [zeros(b, x!.type)];
      const rowMajor = attrs.storage_order === 0 ? indices : undefined;
      const window = poolWindow(x!.type.shape, attrs);
      return [maxPoolGradient(b, { x: x!, y: y!, dy: dy!, indices: rowMajor, window, attrs })];
    },
  },

  AveragePool: {
    attributes: { ...poolAttributes, count_include_pad: int(0) },
    infer: (x, attrs) => {
      const { dtype, shape } = typeAt(x, 0);
      return [{ dtype, shape: pooledShape(shape, attrs) }];
    },
    work: poolWork,
    grad: (b, { x: [x], y: [y], dy: [dy], attrs }) => {
      const window = poolWindow(x!.type.shape, attrs);
      const share = inverseCounts(b, x!.type, y!.type.shape, window, attrs.count_include_pad !== 0);
      return [spreadOverWindows(b, mul(b, dy!, share), x!.type, window)];
    },
  },

  LpPool: {
    attributes: { ...poolAttributes, p: int(2) },
    infer: (x, attrs) => {
      const { dtype, shape } = typeAt(x, 0);
      return [{ dtype, shape: pooledShape(shape, attrs) }];
    },
    work: poolWork,
    // y = (Σ|x|ᵖ)^(1/p)  =>  dx = sign(x)·|x|ᵖ⁻¹ · Σ dy·y¹⁻ᵖ, and 0 where y = 0
    grad: (b, { x: [x], y: [y], dy: [dy], attrs }) => {
      const power = (value: Value, exponent: number): Value =>
        exponent === 1 ? value : b.emit("Pow", [value, b.scalar(exponent, value.type.dtype)]);
      const sign = b.emit("Sign", [x]);
      if (attrs.p === 1) return [mul(b, sign, spreadOverWindows(b, dy!, x!.type, poolWindow(x!.type.shape, attrs)))];
      const isZero = equal(b, y!, 0);
      const share = select(b, isZero, 0, div(b, dy!, power(select(b, isZero, 1, y!), attrs.p - 1)));
      const spread = spreadOverWindows(b, share, x!.type, poolWindow(x!.type.shape, attrs));
      const inner = attrs.p === 2 ? x! : mul(b, sign, power(b.emit("Abs", [x]), attrs.p - 1));
      return [mul(b, inner, spread)];
    },
  },

  MaxUnpool: {
    attributes: { kernel_shape: required(ints()), pads: ints(), strides: ints() },
    infer: (x, attrs) => {
      const { dtype, shape } = typeAt(x, 0);
      const indices = typeAt(x, 1).shape;
      if (!sameShape(indices, shape)) {
        throw mismatch(`indices do not fit; got ${formatShape(indices)}, expected ${formatShape(shape)}.`);
      }
      const window = resolveWindow(spatialOf(shape), attrs.kernel_shape, { ...attrs, auto_pad: "NOTSET" });
      const whole = spatialOf(shape).map(
        (count, axis) =>
          (count - 1) * window.strides[axis]! + window.kernel[axis]! - window.padsBegin[axis]! - window.padsEnd[axis]!,
      );
      const inferred = [...shape.slice(0, 2), ...whole];
      const given = x[2] ? numbersAt(x, 2) : inferred;
      if (
        given.length !== shape.length ||
        given.some((size, axis) => (axis < 2 ? size !== shape[axis] : size < inferred[axis]!))
      )
        throw mismatch(
          `output_shape is wrong; got ${formatShape(given)}, expected ${formatShape(inferred)} or more along its spatial axes.`,
        );
      const count = elementCount(inferred);
      const outside = x[1]?.literal && literalNumbers(x[1].literal).find((index) => index < 0 || index >= count);
      if (outside !== undefined) throw mismatch(`index ${outside} is out of range; the output has ${count} elements.`);
      return [{ dtype, shape: given }];
    },
    work: (x, y) => ({ flops: 0, bytes: trafficBytes(x, y) }),
    grad: (b, { x: [x, indices], dy: [dy] }) => {
      const flat = reshape(b, dy!, [elementCount(dy!.type.shape)]);
      const places = reshape(b, indices!, [elementCount(indices!.type.shape)]);
      return [reshape(b, b.emit("GatherElements", [flat, places]), x!.type.shape), undefined, undefined];
    },
  },
};
