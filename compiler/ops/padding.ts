/** @file Ops that put elements around a tensor or crop it: Pad, CenterCropPad. */
import { listed } from "../ir/listed.js";
import type { Shape, TensorType, Value } from "../ir/graph.js";
import { elementCount, literalOf } from "../ir/literal.js";
import type { Emitter, OpDef, Operand } from "./define.js";
import { ints, text } from "./define.js";
import { padZeros, reshape, sumOver, zeros } from "./emission.js";
import { mul } from "./expression.js";
import { scatterAlong } from "./gathering.js";
import { distinctAxes, formatShape, mismatch, numbersAt, typeAt } from "./shape.js";
import { perElement } from "./work.js";

export type PadMode = "constant" | "reflect" | "edge" | "wrap";

export interface PaddingAttrs {
  Pad: { readonly mode: PadMode };
  CenterCropPad: { readonly axes?: readonly number[] };
}

interface Margins {
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

/** One begin and one end per axis of the input; 0 for axes that `axes` leaves out. */
function marginsOf(x: readonly (Operand | undefined)[]): Margins {
  const { shape } = typeAt(x, 0);
  const pads = numbersAt(x, 1);
  const axes = x[3] ? [...distinctAxes(numbersAt(x, 3), shape.length)] : [...shape.keys()];
  if (pads.length !== 2 * axes.length) {
    throw mismatch(
      `pads have the wrong length; got ${pads.length} for ${axes.length} axes, expected ${2 * axes.length}.`,
    );
  }
  const [begins, ends] = [shape.map(() => 0), shape.map(() => 0)];
  for (const [at, axis] of axes.entries()) {
    begins[axis] = pads[at]!;
    ends[axis] = pads[axes.length + at]!;
  }
  return { begins, ends };
}

/** The input element that lands at position `at` of a padded axis (may be negative or beyond the end). */
function sourceOf(mode: Exclude<PadMode, "constant">, at: number, size: number): number {
  if (mode === "edge") return Math.min(Math.max(at, 0), size - 1);
  if (mode === "wrap") return ((at % size) + size) % size;
  const period = Math.max(1, 2 * (size - 1));
  const phase = ((at % period) + period) % period;
  return phase < size ? phase : period - phase;
}

/**
 * The element of an axis of `size` that each element of the padded axis is a copy of. Engines crop first, so copies
 * come from what is left of the axis.
 */
export function padSources(
  mode: Exclude<PadMode, "constant">,
  size: number,
  begin: number,
  end: number,
): readonly number[] {
  const cropped = Math.max(0, -begin);
  const left = size - cropped - Math.max(0, -end);
  return listed(size + begin + end, (at) => cropped + sourceOf(mode, at - Math.max(0, begin), left));
}

/** The adjoint of padding one axis with copies: every element of `dy` is added where it was copied from. */
function foldBack(
  b: Emitter,
  dy: Value,
  axis: number,
  size: number,
  margins: Margins,
  mode: Exclude<PadMode, "constant">,
) {
  const sources = padSources(mode, size, margins.begins[axis]!, margins.ends[axis]!);
  const shape = dy.type.shape.map((own, at) => (at === axis ? size : own));
  return scatterAlong(b, dy, b.int64s(sources), axis, { dtype: dy.type.dtype, shape });
}

function inverse({ begins, ends }: Margins): Margins {
  return { begins: begins.map((size) => -size), ends: ends.map((size) => -size) };
}

/** Sum of the gradient over the elements that hold the constant. */
function constantGradient(b: Emitter, dy: Value, x: TensorType, { begins, ends }: Margins, constant: Shape): Value {
  const one = b.literal(literalOf(x.dtype, [], [1]));
  const outside = b.emit("Pad", [zeros(b, x), b.int64s([...begins, ...ends]), one]);
  return reshape(b, sumOver(b, mul(b, dy, outside), [...dy.type.shape.keys()]), constant);
}

/** Margins of CenterCropPad: half of the difference on each side, the odd element at the end. */
function centerMargins(shape: Shape, wanted: readonly number[], axes: readonly number[]): Margins {
  const [begins, ends] = [shape.map(() => 0), shape.map(() => 0)];
  for (const [at, axis] of axes.entries()) {
    const missing = wanted[at]! - shape[axis]!;
    const less = Math.floor(Math.abs(missing) / 2);
    begins[axis] = missing < 0 ? -less : less;
    ends[axis] = missing - begins[axis]!;
  }
  return { begins, ends };
}

function centerAxes(x: readonly (Operand | undefined)[], axes: readonly number[] | undefined): readonly number[] {
  const rank = typeAt(x, 0).shape.length;
  return axes ? [...distinctAxes(axes, rank)] : Array.from({ length: rank }, (_, axis) => axis);
}

export const padding: { readonly [K in keyof PaddingAttrs]: OpDef<K> } = {
  Pad: {
    attributes: { mode: text<PadMode>("constant") },
    infer: (x, { mode }) => {
      const { dtype, shape } = typeAt(x, 0);
      const { begins, ends } = marginsOf(x);
      if (!["constant", "reflect", "edge", "wrap"].includes(mode)) {
        throw mismatch(`attribute "mode" is unknown; got "${mode}", expected constant, reflect, edge or wrap.`);
      }
      const padded = shape.map((size, axis) => size + begins[axis]! + ends[axis]!);
      if (padded.some((size) => size < 0)) {
        throw mismatch(
          `pads crop more than there is; got [${begins.join(",")}] and [${ends.join(",")}] for ${formatShape(shape)}.`,
        );
      }
      const grown = shape.findIndex((size, axis) => size === 0 && padded[axis]! > 0);
      if (mode !== "constant" && grown >= 0)
        throw mismatch(`axis ${grown} is empty; mode "${mode}" has nothing to copy.`);
      return [{ dtype, shape: padded }];
    },
    work: perElement(0),
    grad: (b, { x, dy: [dy], attrs: { mode } }) => {
      const { type } = x[0]!;
      const margins = marginsOf(x);
      if (mode === "constant") {
        const { begins, ends } = inverse(margins);
        const constant = x[2] && constantGradient(b, dy!, type, margins, x[2].type.shape);
        return [padZeros(b, dy!, begins, ends), undefined, constant];
      }
      const padded = [...type.shape.keys()].filter((axis) => margins.begins[axis] !== 0 || margins.ends[axis] !== 0);
      return [padded.reduce((grad, axis) => foldBack(b, grad, axis, type.shape[axis]!, margins, mode), dy!)];
    },
  },

  CenterCropPad: {
    attributes: { axes: ints() },
    infer: (x, attrs) => {
      const { dtype, shape } = typeAt(x, 0);
      const axes = centerAxes(x, attrs.axes);
      const wanted = numbersAt(x, 1);
      if (wanted.length !== axes.length || wanted.some((size) => size < 0)) {
        throw mismatch(`shape is wrong; got [${wanted.join(",")}] for ${axes.length} axes of ${formatShape(shape)}.`);
      }
      return [{ dtype, shape: shape.map((size, axis) => wanted[axes.indexOf(axis)] ?? size) }];
    },
    work: perElement(0),
    grad: (b, { x, dy: [dy], attrs }) => {
      const { shape } = x[0]!.type;
      const { begins, ends } = inverse(centerMargins(shape, numbersAt(x, 1), centerAxes(x, attrs.axes)));
      if (elementCount(shape) === 0) return [zeros(b, x[0]!.type), undefined];
      return [padZeros(b, dy!, begins, ends), undefined];
    },
  },
};
