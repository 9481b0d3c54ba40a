/** @file Windows that slide over the spatial axes of [N, C, …] tensors: what convolutions and pools share. */
import { listed } from "../ir/listed.js";
import type { Shape } from "../ir/graph.js";
import { ints, text } from "./define.js";
import type { Cut } from "./emission.js";
import { formatShape, mismatch } from "./shape.js";

export type AutoPad = "NOTSET" | "SAME_UPPER" | "SAME_LOWER" | "VALID";

/** The attributes that every sliding op has, as ONNX spells them. */
export interface WindowAttrs {
  readonly auto_pad: AutoPad;
  readonly dilations?: readonly number[];
  readonly kernel_shape?: readonly number[];
  readonly pads?: readonly number[];
  readonly strides?: readonly number[];
}

export const windowAttributes = {
  auto_pad: text<AutoPad>("NOTSET"),
  dilations: ints(),
  kernel_shape: ints(),
  pads: ints(),
  strides: ints(),
};

/** A window with everything resolved, one number per spatial axis. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
}

/** The axes after batch and channel. @throws SHAPE_MISMATCH when there are none. */
export function spatialOf(shape: Shape): Shape {
  if (shape.length < 3) {
    throw mismatch(`input 0 has no spatial axis; got ${formatShape(shape)}, expected [N,C,…] with at least 3 axes.`);
  }
  return shape.slice(2);
}

/** Elements of the input that a window spans along an axis, holes of its dilation included. */
export function extentOf({ kernel, dilations }: Window, axis: number): number {
  return (kernel[axis]! - 1) * dilations[axis]! + 1;
}

/** ONNX's `pads`: all begins, then all ends. */
export function padsOf(window: Window): readonly number[] {
  return [...window.padsBegin, ...window.padsEnd];
}

/** Begin and end of a total padding; the odd element goes to the end for SAME_UPPER, else to the begin. */
export function splitPadding(total: number, autoPad: AutoPad): readonly [number, number] {
  const less = Math.floor(total / 2);
  return autoPad === "SAME_UPPER" ? [less, total - less] : [total - less, less];
}

/**
 * Fills the defaults of strides and dilations and turns auto_pad into pads.
 * @throws SHAPE_MISMATCH when a list has the wrong length or a number outside its domain.
 */
export function resolveWindow(spatial: Shape, kernel: readonly number[], attrs: WindowAttrs): Window {
  const rank = spatial.length;
  listOf("kernel_shape", kernel, rank, 1);
  const strides = listOf("strides", attrs.strides ?? spatial.map(() => 1), rank, 1);
  const dilations = listOf("dilations", attrs.dilations ?? spatial.map(() => 1), rank, 1);
  const bare = { kernel, strides, dilations, padsBegin: spatial.map(() => 0), padsEnd: spatial.map(() => 0) };
  if (attrs.auto_pad === "VALID") return bare;
  if (attrs.auto_pad === "NOTSET") {
    const pads = listOf("pads", attrs.pads ?? [...bare.padsBegin, ...bare.padsEnd], 2 * rank, 0);
    return { ...bare, padsBegin: pads.slice(0, rank), padsEnd: pads.slice(rank) };
  }
  if (attrs.auto_pad !== "SAME_UPPER" && attrs.auto_pad !== "SAME_LOWER") {
    throw mismatch(
      `attribute "auto_pad" is unknown; got "${String(attrs.auto_pad)}", expected NOTSET, SAME_UPPER, SAME_LOWER or VALID.`,
    );
  }
  const pairs = spatial.map((size, axis) => {
    const reach = (Math.ceil(size / strides[axis]!) - 1) * strides[axis]! + extentOf(bare, axis);
    return splitPadding(Math.max(0, reach - size), attrs.auto_pad);
  });
  return { ...bare, padsBegin: pairs.map(([begin]) => begin), padsEnd: pairs.map(([, end]) => end) };
}

/**
 * Positions of the window along each axis. With `ceilMode` a last position that hangs over the end counts, if it
 * starts inside the input or its begin padding (ONNX pull request 5741).
 * @throws SHAPE_MISMATCH when the window is larger than the padded input.
 */
export function slideShape(spatial: Shape, window: Window, ceilMode: boolean): Shape {
  return spatial.map((size, axis) => {
    const [begin, end, stride] = [window.padsBegin[axis]!, window.padsEnd[axis]!, window.strides[axis]!];
    const room = size + begin + end - extentOf(window, axis);
    if (room < 0) {
      throw mismatch(
        `window does not fit spatial axis ${axis}; got an extent of ${extentOf(window, axis)} over ${size} elements with padding ${begin}+${end}.`,
      );
    }
    if (!ceilMode) return Math.floor(room / stride) + 1;
    const count = Math.ceil(room / stride) + 1;
    return (count - 1) * stride >= size + begin ? count - 1 : count;
  });
}

/**
 * Padding and output padding with which a transposed slide over `from` positions gives back `to` elements: the
 * attributes of the ConvTranspose that is the adjoint of sliding `window`.
 */
export function adjointPadding(
  from: Shape,
  to: Shape,
  window: Window,
): { readonly pads: readonly number[]; readonly output_padding: readonly number[] } {
  const rest = to.map((size, axis) => {
    const reach = (from[axis]! - 1) * window.strides[axis]! + extentOf(window, axis);
    return reach - window.padsBegin[axis]! - size;
  });
  return {
    pads: [...window.padsBegin, ...rest.map((end) => Math.max(0, end))],
    output_padding: rest.map((end) => Math.max(0, -end)),
  };
}

/** Every position of the kernel, last axis fastest. */
export function tapsOf(kernel: readonly number[]): readonly (readonly number[])[] {
  return kernel.reduce<readonly (readonly number[])[]>(
    (taps, size) => taps.flatMap((tap) => listed(size, (at) => [...tap, at])),
    [[]],
  );
}

/** The cuts out of a padded [N, C, …] tensor that take what tap `tap` meets at each of `positions`. */
export function cutsAtTap(tap: readonly number[], positions: Shape, window: Window): readonly Cut[] {
  return tap.map((at, axis) => {
    const [start, step] = [at * window.dilations[axis]!, window.strides[axis]!];
    return { axis: axis + 2, start, end: start + (positions[axis]! - 1) * step + 1, step };
  });
}

function listOf(name: string, list: readonly number[], length: number, least: number): readonly number[] {
  if (list.length !== length || list.some((number) => number < least)) {
    throw mismatch(
      `attribute "${name}" is wrong; got [${list.join(",")}], expected ${length} numbers of at least ${least}.`,
    );
  }
  return list;
}
