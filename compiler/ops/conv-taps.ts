/** @file What each tap of a sliding kernel meets, cut out of the input with as few scattered reads as possible. */
import type { Shape, Value } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import type { Emitter } from "./define.js";
import { padZeros, reshape, slice, transpose } from "./emission.js";
import type { Window } from "./window.js";
import { cutsAtTap, padsOf, tapsOf } from "./window.js";

/**
 * For each tap of `window`, in row-major order, what `each` makes of the elements of x [A, B, …] that it meets,
 * [A, B, …positions]. One tap follows the other, so that its elements can be given up before the next is cut out.
 *
 * Engines copy runs of neighbours fast and single elements slowly. A stride along the last axis leaves no neighbours
 * within a slice, so that axis is first split by remainder, with one transpose: then every tap is a few runs.
 */
export function mapTaps(
  b: Emitter,
  x: Value,
  positions: Shape,
  window: Window,
  each: (met: Value) => Value,
): readonly Value[] {
  const stride = window.strides.at(-1)!;
  const taps = tapsOf(window.kernel);
  const ends = window.padsEnd.with(-1, window.padsEnd.at(-1)! + shortOf(x, window, stride));
  const padded = padZeros(b, x, [0, 0, ...window.padsBegin], [0, 0, ...ends]);
  if (stride === 1) return taps.map((tap) => each(slice(b, padded, cutsAtTap(tap, positions, window))));

  const { shape } = padded.type;
  const remainders = transpose(b, reshape(b, padded, [elementCount(shape) / stride, stride]), [1, 0]);
  const split = reshape(b, remainders, [stride, ...shape.slice(0, -1), shape.at(-1)! / stride]);
  return taps.map((tap) => {
    const before = cutsAtTap(tap, positions, window).slice(0, -1);
    const at = tap.at(-1)! * window.dilations.at(-1)!;
    const [remainder, start] = [at % stride, Math.floor(at / stride)];
    const view = slice(b, split, [
      { axis: 0, start: remainder, end: remainder + 1 },
      ...before.map((cut) => ({ ...cut, axis: cut.axis + 1 })),
      { axis: shape.length, start, end: start + positions.at(-1)! },
    ]);
    return each(reshape(b, view, [...shape.slice(0, 2), ...positions]));
  });
}

/** Elements that the padded last axis lacks to be a multiple of the stride. */
function shortOf(x: Value, { padsBegin, padsEnd }: Window, stride: number): number {
  const length = x.type.shape.at(-1)! + padsBegin.at(-1)! + padsEnd.at(-1)!;
  return (stride - (length % stride)) % stride;
}

/**
 * A pointwise kernel without padding meets only every so many rows: keeps those, whole, and gives the window that is
 * left. Other kernels are returned as they are.
 */
export function rowsThatCount(b: Emitter, x: Value, positions: Shape, window: Window): readonly [Value, Window] {
  const pointwise = elementCount(window.kernel) === 1;
  if (!pointwise || padsOf(window).some((pad) => pad !== 0)) return [x, window];
  const [tap] = tapsOf(window.kernel);
  const kept = slice(b, x, cutsAtTap(tap!, positions, window).slice(0, -1));
  const strides = window.strides.map(() => 1).with(-1, window.strides.at(-1)!);
  return [kept, { ...window, strides }];
}
