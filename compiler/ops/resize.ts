/** @file Resize. It is linear and works axis by axis, so its gradient is one product with a constant matrix per axis. */
import { listed } from "../ir/listed.js";
import type { Shape, Value } from "../ir/graph.js";
import { elementCount, literalOf } from "../ir/literal.js";
import type { Emitter, OpDef, Operand } from "./define.js";
import { float, int, ints, text } from "./define.js";
import { reshape, sumOver, zeros } from "./emission.js";
import type { CoordinateMode, NearestMode, ResizedAxis } from "./resize-coordinates.js";
import { COORDINATE_MODES } from "./resize-coordinates.js";
import type { Interpolation, WeightRow } from "./resize-matrix.js";
import { resizeRows } from "./resize-matrix.js";
import { distinctAxes, formatShape, mismatch, numbersAt, typeAt } from "./shape.js";
import { trafficBytes } from "./work.js";

type AspectPolicy = "stretch" | "not_larger" | "not_smaller";

export interface ResizeAttrs {
  Resize: Interpolation & {
    readonly axes?: readonly number[];
    readonly extrapolation_value: number;
    readonly keep_aspect_ratio_policy: AspectPolicy;
  };
}

type Attrs = ResizeAttrs["Resize"];

/** The numbers of an optional input; an empty tensor counts as left out, as exporters write it. */
function optionalNumbers(x: readonly (Operand | undefined)[], index: number): readonly number[] | undefined {
  const given = x[index];
  return given && elementCount(given.type.shape) > 0 ? numbersAt(x, index) : undefined;
}

function checkModes({ mode, coordinate_transformation_mode }: Attrs): void {
  if (mode !== "nearest" && mode !== "linear" && mode !== "cubic") {
    throw mismatch(`attribute "mode" is unknown; got "${String(mode)}", expected nearest, linear or cubic.`);
  }
  if (!COORDINATE_MODES.includes(coordinate_transformation_mode)) {
    throw mismatch(
      `attribute "coordinate_transformation_mode" is unknown; got "${String(coordinate_transformation_mode)}", expected one of ${COORDINATE_MODES.join(", ")}.`,
    );
  }
}

/** Sizes as asked for, or all by one factor when the aspect ratio is kept. */
function bySizes(shape: Shape, axes: readonly number[], sizes: readonly number[], policy: AspectPolicy) {
  const factors = axes.map((axis, at) => Math.fround(sizes[at]! / shape[axis]!));
  if (policy === "stretch") return axes.map((_, at) => ({ to: sizes[at]!, scale: factors[at]! }));
  const factor = policy === "not_larger" ? Math.min(...factors) : Math.max(...factors);
  return axes.map((axis) => ({ to: Math.round(Math.fround(factor * shape[axis]!)), scale: factor }));
}

/** Every axis of the input, resized or not. */
function resizedAxes(x: readonly (Operand | undefined)[], attrs: Attrs): readonly ResizedAxis[] {
  const { shape } = typeAt(x, 0);
  const axes = attrs.axes?.length ? [...distinctAxes(attrs.axes, shape.length)] : [...shape.keys()];
  const [scales, sizes] = [optionalNumbers(x, 2), optionalNumbers(x, 3)];
  const given = scales ?? sizes;
  if (!given || (scales && sizes))
    throw mismatch(`expected either scales (input 2) or sizes (input 3), not ${given ? "both" : "none"}.`);
  if (given.length !== axes.length || given.some((number) => !(number > 0 && number < Infinity))) {
    throw mismatch(
      `${scales ? "scales" : "sizes"} are wrong; got [${given.join(",")}] for ${axes.length} axes of ${formatShape(shape)}, expected one positive number per axis.`,
    );
  }
  const crops = attrs.coordinate_transformation_mode === "tf_crop_and_resize";
  const roi = crops ? numbersAt(x, 1) : axes.flatMap(() => [0, 0]);
  const targets = scales
    ? axes.map((axis, at) => ({ to: Math.floor(Math.fround(scales[at]! * shape[axis]!)), scale: scales[at]! }))
    : bySizes(shape, axes, given, attrs.keep_aspect_ratio_policy);
  return shape.map((from, axis) => {
    const at = axes.indexOf(axis);
    if (at < 0) return { from, to: from, scale: 1, roi: [0, 1] };
    return { from, ...targets[at]!, roi: [roi[at] ?? 0, roi[at + axes.length] ?? 1] };
  });
}

const untouched = ({ from, to, scale }: ResizedAxis): boolean => from === to && scale === 1;

/** Elements of an axis from which summing neighbours beats a product with a dense matrix. */
const LONG_AXIS = 64;

/** How many neighbours each original element is copied to, if the axis is long, rows are copies in order and all counts are equal. */
function repetition(rows: readonly WeightRow[], from: number): number | undefined {
  const times = rows.length / from;
  if (from < LONG_AXIS) return undefined;
  const isCopy = (row: WeightRow, at: number): boolean => row.size === 1 && row.get(Math.floor(at / times)) === 1;
  return Number.isInteger(times) && rows.every(isCopy) ? times : undefined;
}

/** The adjoint of resizing one axis of `dy`, whose axes before it are back to their original size or not resized. */
function resizeBack(b: Emitter, dy: Value, axis: number, { from, to }: ResizedAxis, rows: readonly WeightRow[]): Value {
  const { dtype, shape } = dy.type;
  const [before, after] = [shape.slice(0, axis), shape.slice(axis + 1)];
  const times = repetition(rows, from);
  if (times !== undefined) return sumOver(b, reshape(b, dy, [...before, from, times, ...after]), [axis + 1]);
  const last = elementCount(after) === 1;
  const matrix = listed(from * to, () => 0);
  for (const [at, row] of rows.entries()) {
    for (const [position, weight] of row) matrix[last ? at * from + position : position * to + at] = weight;
  }
  const constant = b.literal(literalOf(dtype, last ? [to, from] : [from, to], matrix));
  const result = last
    ? b.emit("MatMul", [reshape(b, dy, [elementCount(before), to]), constant])
    : b.emit("MatMul", [constant, reshape(b, dy, [elementCount(before), to, elementCount(after)])]);
  return reshape(b, result, [...before, from, ...after]);
}

export const resize: { readonly [K in keyof ResizeAttrs]: OpDef<K> } = {
  Resize: {
    attributes: {
      antialias: int(0),
      axes: ints(),
      coordinate_transformation_mode: text<CoordinateMode>("half_pixel"),
      cubic_coeff_a: float(-0.75),
      exclude_outside: int(0),
      extrapolation_value: float(0),
      keep_aspect_ratio_policy: text<AspectPolicy>("stretch"),
      mode: text<Interpolation["mode"]>("nearest"),
      nearest_mode: text<NearestMode>("round_prefer_floor"),
    },
    infer: (x, attrs) => {
      checkModes(attrs);
      return [{ dtype: typeAt(x, 0).dtype, shape: resizedAxes(x, attrs).map(({ to }) => to) }];
    },
    work: (x, y, { mode }) => {
      const taps = { nearest: 0, linear: 2, cubic: 4 }[mode];
      const resized = y[0]!.shape.filter((size, axis) => size !== x[0]!.shape[axis]).length;
      return { flops: 2 * taps * resized * elementCount(y[0]!.shape), bytes: trafficBytes(x, y) };
    },
    grad: (b, { x, dy: [dy], attrs }) => {
      if (elementCount(dy!.type.shape) === 0) return [zeros(b, x[0]!.type)];
      const grad = resizedAxes(x, attrs).reduce(
        (sum, axis, at) => (untouched(axis) ? sum : resizeBack(b, sum, at, axis, resizeRows(axis, attrs))),
        dy!,
      );
      return [grad];
    },
  },
};
