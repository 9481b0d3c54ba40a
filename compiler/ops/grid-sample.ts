/** @file GridSample: reads an image at coordinates that another tensor holds. */
import { listed } from "../ir/listed.js";
import type { Value } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import type { Emitter, OpDef } from "./define.js";
import { int, text } from "./define.js";
import { asType, reshape, slice, transpose, zeros } from "./emission.js";
import { add, mul, neg, sub } from "./expression.js";
import type { Tap } from "./lattice.js";
import { coordinateGradients, imageGradient } from "./lattice.js";
import { formatShape, mismatch, typeAt } from "./shape.js";
import { spatialOf } from "./window.js";
import { trafficBytes } from "./work.js";

type GridMode = "linear" | "nearest" | "cubic";
type Outside = "zeros" | "border" | "reflection";

export interface GridSampleAttrs {
  GridSample: { readonly align_corners: number; readonly mode: GridMode; readonly padding_mode: Outside };
}

/** Coefficient of the cubic kernel, as in torch and ONNX Runtime. */
const CUBIC_A = -0.75;

/** Elements along an axis per unit of the grid's coordinate, which runs from −1 to 1. */
function pitch(size: number, alignCorners: boolean): number {
  return (alignCorners ? size - 1 : size) / 2;
}

/** Clamps to 0..size-1. */
function clip(b: Emitter, value: Value, size: number): Value {
  return b.emit("Clip", [value, b.scalar(0, value.type.dtype), b.scalar(size - 1, value.type.dtype)]);
}

/** Reflects whole coordinates at the first and last element (aligned corners) or at their outer edges. */
function reflect(b: Emitter, position: Value, size: number, alignCorners: boolean): Value {
  const low = alignCorners ? 0 : -0.5;
  const span = alignCorners ? size - 1 : size;
  if (span === 0) return clip(b, position, size);
  const away = b.emit("Abs", [sub(b, position, low)]);
  const folds = b.emit("Floor", [mul(b, away, 1 / span)]);
  const rest = sub(b, away, mul(b, folds, span));
  // An odd number of folds runs backwards: span − rest.
  const odd = sub(b, folds, mul(b, b.emit("Floor", [mul(b, folds, 0.5)]), 2));
  const turned = add(b, rest, mul(b, odd, sub(b, span, mul(b, rest, 2))));
  return clip(b, add(b, turned, low), size);
}

/** 1 where the coordinate lies on the axis, else 0. */
function insideMask(b: Emitter, position: Value, size: number): Value {
  const { dtype } = position.type;
  const low = b.emit("GreaterOrEqual", [position, b.scalar(0, dtype)]);
  const high = b.emit("LessOrEqual", [position, b.scalar(size - 1, dtype)]);
  return asType(b, b.emit("And", [low, high]), dtype);
}

/** ((p·d + q)·d + r)·d + s. */
function polynomial(b: Emitter, d: Value, coefficients: readonly number[]): Value {
  const [first, ...rest] = coefficients as readonly [number, ...number[]];
  return rest.slice(1).reduce<Value>((sum, next) => add(b, mul(b, sum, d), next), add(b, mul(b, d, first), rest[0]!));
}

/** Weights and slopes of the neighbours at offsets −1, 0, 1, 2 for a sample at t beyond offset 0. */
function cubicWeights(b: Emitter, t: Value): readonly Omit<Tap, "position">[] {
  const a = CUBIC_A;
  const near = [a + 2, -(a + 3), 0, 1];
  const far = [a, -5 * a, 8 * a, -4 * a];
  const derivative = ([p, q, r]: readonly number[]): readonly number[] => [3 * p!, 2 * q!, r!];
  const distances: readonly (readonly [Value, readonly number[], number])[] = [
    [add(b, t, 1), far, 1],
    [t, near, 1],
    [sub(b, 1, t), near, -1],
    [sub(b, 2, t), far, -1],
  ];
  return distances.map(([d, coefficients, sign]) => {
    const slope = polynomial(b, d, derivative(coefficients));
    return { weight: polynomial(b, d, coefficients), slope: sign < 0 ? neg(b, slope) : slope };
  });
}

/** The neighbours of every sample along one axis of `size` elements. `coordinate` is in elements. */
function tapsAlong(b: Emitter, coordinate: Value, size: number, attrs: GridSampleAttrs["GridSample"]): readonly Tap[] {
  const { mode, padding_mode, align_corners } = attrs;
  const base = b.emit(mode === "nearest" ? "Round" : "Floor", [coordinate]);
  const t = sub(b, coordinate, base);
  const one = add(b, mul(b, t, 0), 1);
  const weights: readonly Omit<Tap, "position">[] =
    mode === "nearest"
      ? [{ weight: one }]
      : mode === "linear"
        ? [
            { weight: sub(b, 1, t), slope: neg(b, one) },
            { weight: t, slope: one },
          ]
        : cubicWeights(b, t);
  const first = mode === "cubic" ? -1 : 0;
  return weights.map(({ weight, slope }, at) => {
    const raw = add(b, base, first + at);
    if (padding_mode === "reflection") {
      return { position: asType(b, reflect(b, raw, size, align_corners !== 0), "int64"), weight, slope };
    }
    const position = asType(b, clip(b, raw, size), "int64");
    if (padding_mode === "border") return { position, weight, slope };
    const mask = insideMask(b, raw, size);
    return { position, weight: mul(b, weight, mask), slope: slope && mul(b, slope, mask) };
  });
}

export const gridSample: { readonly [K in keyof GridSampleAttrs]: OpDef<K> } = {
  GridSample: {
    attributes: { align_corners: int(0), mode: text<GridMode>("linear"), padding_mode: text<Outside>("zeros") },
    infer: (x, { mode, padding_mode }) => {
      const { dtype, shape } = typeAt(x, 0);
      const grid = typeAt(x, 1).shape;
      const spatial = spatialOf(shape);
      if (!["linear", "nearest", "cubic"].includes(mode) || !["zeros", "border", "reflection"].includes(padding_mode)) {
        throw mismatch(
          `modes are unknown; got mode="${mode}" and padding_mode="${padding_mode}", expected linear, nearest or cubic, and zeros, border or reflection.`,
        );
      }
      if (grid.length !== shape.length || grid[0] !== shape[0] || grid.at(-1) !== spatial.length) {
        throw mismatch(
          `grid does not fit; got ${formatShape(grid)} for ${formatShape(shape)}, expected [${shape[0]},…,${spatial.length}] with ${shape.length} axes.`,
        );
      }
      return [{ dtype, shape: [shape[0]!, shape[1]!, ...grid.slice(1, -1)] }];
    },
    work: (x, y, { mode }) => {
      const neighbours = { nearest: 1, linear: 2, cubic: 4 }[mode] ** (x[0]!.shape.length - 2);
      return { flops: 2 * neighbours * elementCount(y[0]!.shape), bytes: trafficBytes(x, y) };
    },
    grad: (b, { x: [x, grid], dy: [dy], attrs }) => {
      const [batch, channels, ...spatial] = x!.type.shape as readonly [number, number, ...number[]];
      const samples = elementCount(grid!.type.shape.slice(1, -1));
      if (samples * batch * channels === 0) return [zeros(b, x!.type), zeros(b, grid!.type)];
      const points = reshape(b, grid!, [batch, samples, spatial.length]);
      const rank = spatial.length;
      // The grid names the innermost axis first.
      const taps = spatial.map((size, axis) => {
        const start = rank - 1 - axis;
        const unit = reshape(b, slice(b, points, [{ axis: 2, start, end: start + 1 }]), [batch, samples]);
        const scaled = mul(b, unit, pitch(size, attrs.align_corners !== 0));
        return tapsAlong(b, add(b, scaled, (size - 1) / 2), size, attrs);
      });
      const sampling = { x: x!, taps, image: reshape(b, b.int64s(listed(batch, (at) => at)), [batch, 1]) };
      const rows = transpose(b, reshape(b, dy!, [batch, channels, samples]), [0, 2, 1]);
      const along = coordinateGradients(b, sampling, rows).map((grad, axis) => {
        if (!grad) return zeros(b, { dtype: grid!.type.dtype, shape: [batch, samples, 1] });
        return reshape(b, mul(b, grad, pitch(spatial[axis]!, attrs.align_corners !== 0)), [batch, samples, 1]);
      });
      const dGrid = reshape(b, b.emit("Concat", along.reverse(), { axis: 2 }), grid!.type.shape);
      return [imageGradient(b, sampling, rows), dGrid];
    },
  },
};
