/** @file Ops that take a tensor apart or put tensors together along axes: Slice, Concat, Split. */
import { listed } from "../ir/listed.js";
import type { Shape, Value } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import type { Emitter, NoAttrs, OpDef, Operand } from "./define.js";
import { int, noAttrs, required } from "./define.js";
import { flip, padZeros, reshape, zeros } from "./emission.js";
import { picked, positionOf, stepsOf } from "./picking.js";
import { formatShape, mismatch, normalizeAxis, numbersAt, operand, sameShape, typeAt } from "./shape.js";
import { copyWork, perElement } from "./work.js";

export interface SlicingAttrs {
  Slice: NoAttrs;
  Concat: { readonly axis: number };
  Split: { readonly axis: number; readonly num_outputs?: number };
}

/** `count` elements start, start + step, … of an axis; all inside it. */
interface Progression {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

const clamp = (number: number, least: number, most: number): number => Math.min(Math.max(number, least), most);

/** Resolves what Slice takes from an axis of `size`: negative positions count from the end, all are clamped. */
function progressionOf(axis: number, size: number, start: number, end: number, step: number): Progression {
  if (step === 0) throw mismatch(`step 0 for axis ${axis}; expected a step other than 0.`);
  const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
  const from = clamp(start < 0 ? start + size : start, Math.max(least, 0), most);
  const to = clamp(end < 0 ? end + size : end, least, most);
  return { axis, start: from, step, count: Math.max(0, Math.ceil((to - from) / step)) };
}

/** The progressions of a Slice node, one per axis that it names. */
function progressionsOf(x: readonly (Operand | undefined)[]): readonly Progression[] {
  const { shape } = typeAt(x, 0);
  const [starts, ends] = [numbersAt(x, 1), numbersAt(x, 2)];
  const axes = x[3] ? numbersAt(x, 3).map((axis) => normalizeAxis(axis, shape.length)) : [...starts.keys()];
  const steps = x[4] ? numbersAt(x, 4) : starts.map(() => 1);
  if ([ends, axes, steps].some((list) => list.length !== starts.length) || starts.length > shape.length) {
    throw mismatch(
      `starts, ends, axes and steps differ in length; got ${starts.length}, ${ends.length}, ${axes.length} and ${steps.length} for ${formatShape(shape)}.`,
    );
  }
  if (new Set(axes).size !== axes.length) throw mismatch(`axes repeat; got [${axes.join(",")}].`);
  return axes.map((axis, at) => progressionOf(axis, shape[axis]!, starts[at]!, ends[at]!, steps[at]!));
}

/** Spreads the elements of an axis `step` apart, with zeros between and after them. */
function spread(b: Emitter, value: Value, axis: number, step: number): Value {
  if (step === 1) return value;
  const { shape } = value.type;
  const apart = reshape(b, value, [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)]);
  const ends = apart.type.shape.map((_, at) => (at === axis + 1 ? step - 1 : 0));
  const padded = padZeros(
    b,
    apart,
    ends.map(() => 0),
    ends,
  );
  return reshape(
    b,
    padded,
    shape.map((size, at) => (at === axis ? size * step : size)),
  );
}

/** The adjoint of a slice: `dy` at its places in a tensor of zeros of `shape`. */
function unslice(b: Emitter, dy: Value, shape: Shape, progressions: readonly Progression[]): Value {
  if (elementCount(dy.type.shape) === 0) return zeros(b, { dtype: dy.type.dtype, shape });
  const begins = shape.map(() => 0);
  const ends = shape.map(() => 0);
  const backwards = progressions.filter(({ step }) => step < 0).map(({ axis }) => axis);
  let grad = flip(b, dy, backwards);
  for (const { axis, start, step, count } of progressions) {
    const stride = count === 1 ? 1 : Math.abs(step);
    grad = spread(b, grad, axis, stride);
    begins[axis] = step < 0 ? start + step * (count - 1) : start;
    ends[axis] = shape[axis]! - begins[axis]! - count * stride;
  }
  return padZeros(b, grad, begins, ends);
}

function concatAxis(x: readonly (Operand | undefined)[], axis: number): number {
  return normalizeAxis(axis, typeAt(x, 0).shape.length);
}

function splitSizes(
  x: readonly (Operand | undefined)[],
  attrs: SlicingAttrs["Split"],
  outputs: number,
): readonly number[] {
  const { shape } = typeAt(x, 0);
  const size = shape[normalizeAxis(attrs.axis, shape.length)]!;
  if (x[1]) {
    const sizes = numbersAt(x, 1);
    const sum = sizes.reduce((total, part) => total + part, 0);
    if (sizes.length < outputs || sum !== size || sizes.some((part) => part < 0)) {
      throw mismatch(
        `split sizes do not fit; got [${sizes.join(",")}] for ${outputs} outputs and an axis of ${size} elements.`,
      );
    }
    return sizes;
  }
  const parts = attrs.num_outputs ?? outputs;
  const part = Math.ceil(size / parts);
  if (parts < outputs || parts < 1 || part * (parts - 1) > size) {
    throw mismatch(`cannot split an axis of ${size} elements into ${parts} parts for ${outputs} outputs.`);
  }
  return listed(parts, (at) => Math.min(part, size - at * part));
}

export const slicing: { readonly [K in keyof SlicingAttrs]: OpDef<K> } = {
  Slice: {
    attributes: noAttrs,
    infer: (x) => {
      const { dtype, shape } = typeAt(x, 0);
      const counts = new Map(progressionsOf(x).map(({ axis, count }) => [axis, count] as const));
      return [{ dtype, shape: shape.map((size, axis) => counts.get(axis) ?? size) }];
    },
    work: copyWork,
    grad: (b, { x, dy: [dy] }) => [unslice(b, dy!, x[0]!.type.shape, progressionsOf(x))],
    fold: (x, _attrs, [y]) => {
      const source = x[0]!;
      const taken = new Map(
        progressionsOf(x.map((literal) => literal && { type: literal, literal })).map(
          (one) => [one.axis, one] as const,
        ),
      );
      const steps = stepsOf(source.shape);
      const place = (coordinate: number, axis: number): number => {
        const progression = taken.get(axis);
        return progression ? progression.start + progression.step * coordinate : coordinate;
      };
      return [picked(y!, (at) => ({ source, position: positionOf(at.map(place), steps) }))];
    },
  },

  Concat: {
    attributes: { axis: required(int()) },
    infer: (x, attrs) => {
      const { dtype, shape } = typeAt(x, 0);
      const axis = concatAxis(x, attrs.axis);
      const rest = (sizes: Shape): Shape => sizes.map((size, at) => (at === axis ? 0 : size));
      const types = x.map((_, index) => typeAt(x, index));
      for (const [index, type] of types.entries()) {
        if (type.dtype !== dtype || !sameShape(rest(type.shape), rest(shape))) {
          throw mismatch(
            `input ${index} does not fit; got ${type.dtype}${formatShape(type.shape)} next to ${dtype}${formatShape(shape)}, expected equal types and sizes but for axis ${axis}.`,
          );
        }
      }
      const total = types.reduce((sum, type) => sum + type.shape[axis]!, 0);
      return [{ dtype, shape: shape.map((size, at) => (at === axis ? total : size)) }];
    },
    work: perElement(0),
    grad: (b, { x, dy: [dy], attrs }) => {
      if (x.length === 1) return [dy];
      const axis = concatAxis(x, attrs.axis);
      const sizes = x.map((value) => value!.type.shape[axis]!);
      return b.emitMany("Split", [dy, b.int64s(sizes)], sizes.length, { axis });
    },
    fold: (x, attrs, [y]) => {
      const axis = normalizeAxis(attrs.axis, y!.shape.length);
      const owners = x.flatMap((source, index) => listed(source!.shape[axis]!, (offset) => ({ index, offset })));
      const steps = x.map((source) => stepsOf(source!.shape));
      return [
        picked(y!, (at) => {
          const { index, offset } = owners[at[axis]!]!;
          const own = at.map((coordinate, one) => (one === axis ? offset : coordinate));
          return { source: x[index]!, position: positionOf(own, steps[index]!) };
        }),
      ];
    },
  },

  Split: {
    attributes: { axis: int(0), num_outputs: int() },
    keptOutputs: Infinity,
    infer: (x, attrs, outputs) => {
      const { dtype, shape } = operand(x, 0).type;
      const axis = normalizeAxis(attrs.axis, shape.length);
      return splitSizes(x, attrs, outputs).map((part) => ({
        dtype,
        shape: shape.map((size, at) => (at === axis ? part : size)),
      }));
    },
    work: perElement(0),
    grad: (b, { x, y, dy, attrs }) => {
      const { dtype, shape } = x[0]!.type;
      const axis = normalizeAxis(attrs.axis, shape.length);
      const sizes = splitSizes(x, attrs, y.length);
      const parts = sizes.map(
        (part, index) => dy[index] ?? zeros(b, { dtype, shape: shape.map((size, at) => (at === axis ? part : size)) }),
      );
      return [parts.length === 1 ? parts[0] : b.emit("Concat", parts, { axis }), undefined];
    },
    fold: ([source], attrs, y) => {
      const axis = normalizeAxis(attrs.axis, source!.shape.length);
      const steps = stepsOf(source!.shape);
      let start = 0;
      return y.map((type) => {
        const from = start;
        start += type.shape[axis]!;
        const place = (coordinate: number, at: number): number => (at === axis ? coordinate + from : coordinate);
        return picked(type, (at) => ({ source: source!, position: positionOf(at.map(place), steps) }));
      });
    },
  },
};
