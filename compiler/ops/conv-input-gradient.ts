/** @file The gradient of a convolution with respect to its input, in the form that measured fastest (`npm run bench:ops`). */
import type { Shape, Value } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import type { Emitter } from "./define.js";
import { flip, reshape, transpose } from "./emission.js";
import type { Window } from "./window.js";
import { adjointPadding, extentOf } from "./window.js";

/** The weight of a convolution with input, output and kernel reversed: [M, C/group, …] becomes [C, M/group, …]. */
function adjointWeight(b: Emitter, w: Value, group: number): Value {
  const [outChannels, perGroup, ...kernel] = w.type.shape as readonly [number, number, ...number[]];
  const axes = kernel.map((_, axis) => axis + 2);
  const reversed = flip(b, w, axes);
  const grouped = reshape(b, reversed, [group, outChannels / group, perGroup, ...kernel]);
  const swapped =
    outChannels === group || perGroup === 1
      ? grouped
      : transpose(b, grouped, [0, 2, 1, ...axes.map((axis) => axis + 1)]);
  return reshape(b, swapped, [group * perGroup, outChannels / group, ...kernel]);
}

/** Fewer channels of the result than this do not fill the matrix product of a convolution. */
const FEW_CHANNELS = 16;
/** Turning a weight around costs as much as a convolution saves over so many output positions per channel of the gradient. */
const POSITIONS_PER_CHANNEL = 20;

/**
 * True for the convolutions whose input gradient is faster as a convolution than as a transposed one: depthwise and
 * pointwise ones; those over three axes, for which engines have no fast transposed kernel; and those of large
 * images and small weights, since summing the taps of a transposed convolution reads and writes the image once per tap.
 */
function prefersConvolution(dy: Shape, w: Shape, window: Window, group: number): boolean {
  if (window.strides.some((stride) => stride !== 1)) return false;
  const [outChannels, perGroup] = w as readonly [number, number];
  const depthwise = outChannels === group && perGroup === 1;
  if (depthwise || window.kernel.length > 2 || window.kernel.every((size) => size === 1)) return true;
  const positions = elementCount(dy) / outChannels;
  const widens = perGroup * group < outChannels;
  return !widens && perGroup * group >= FEW_CHANNELS && positions >= (POSITIONS_PER_CHANNEL * outChannels) / group;
}

/** The gradient with respect to an input of shape `x`, given that of the output. */
export function convInputGradient(b: Emitter, dy: Value, w: Value, x: Shape, window: Window, group: number): Value {
  const reach = window.kernel.map((_, axis) => extentOf(window, axis) - 1);
  const pads = [
    ...reach.map((size, axis) => size - window.padsBegin[axis]!),
    ...reach.map((size, axis) => size - window.padsEnd[axis]!),
  ];
  if (prefersConvolution(dy.type.shape, w.type.shape, window, group) && pads.every((pad) => pad >= 0)) {
    return b.emit("Conv", [dy, adjointWeight(b, w, group)], { dilations: window.dilations, group, pads });
  }
  if (window.kernel.length === 1)
    return reshape(b, transposed(b, onPlane(b, dy), onPlane(b, w), planeOf(x), planar(window), group), x);
  return transposed(b, dy, w, x, window, group);
}

function transposed(b: Emitter, dy: Value, w: Value, x: Shape, window: Window, group: number): Value {
  return b.emit("ConvTranspose", [dy, w], {
    strides: window.strides,
    dilations: window.dilations,
    group,
    ...adjointPadding(dy.type.shape.slice(2), x.slice(2), window),
  });
}

/** [A, B, L] as [A, B, 1, L]: engines have fast kernels for planes alone. */
function planeOf([a, b, length]: Shape): Shape {
  return [a!, b!, 1, length!];
}

function onPlane(b: Emitter, value: Value): Value {
  return reshape(b, value, planeOf(value.type.shape));
}

/** The window over one axis as one over a plane of one row. */
function planar({ kernel, strides, dilations, padsBegin, padsEnd }: Window): Window {
  return {
    kernel: [1, ...kernel],
    strides: [1, ...strides],
    dilations: [1, ...dilations],
    padsBegin: [0, ...padsBegin],
    padsEnd: [0, ...padsEnd],
  };
}
