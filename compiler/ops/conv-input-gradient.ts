/** @file The gradient of a convolution with respect to its input, in the form that measured fastest (`npm run bench:ops`). */
import type { Shape, Value } from "../ir/graph.js";
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

/**
 * True for the convolutions whose input gradient is faster as a convolution than as a transposed one: depthwise and
 * pointwise ones, and those over one or three axes, for which engines have no fast transposed kernel.
 */
function prefersConvolution(w: Shape, window: Window, group: number): boolean {
  if (window.strides.some((stride) => stride !== 1)) return false;
  const depthwise = w[0] === group && w[1] === 1;
  return depthwise || window.kernel.length !== 2 || window.kernel.every((size) => size === 1);
}

/** The gradient with respect to an input of shape `x`, given that of the output. */
export function convInputGradient(b: Emitter, dy: Value, w: Value, x: Shape, window: Window, group: number): Value {
  const reach = window.kernel.map((_, axis) => extentOf(window, axis) - 1);
  const pads = [
    ...reach.map((size, axis) => size - window.padsBegin[axis]!),
    ...reach.map((size, axis) => size - window.padsEnd[axis]!),
  ];
  if (prefersConvolution(w.type.shape, window, group) && pads.every((pad) => pad >= 0)) {
    return b.emit("Conv", [dy, adjointWeight(b, w, group)], { dilations: window.dilations, group, pads });
  }
  return b.emit("ConvTranspose", [dy, w], {
    strides: window.strides,
    dilations: window.dilations,
    group,
    ...adjointPadding(dy.type.shape.slice(2), x.slice(2), window),
  });
}
