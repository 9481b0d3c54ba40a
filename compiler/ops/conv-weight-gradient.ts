/**
 * @file The gradient of a convolution with respect to its weight, as plain ONNX. Engines have no kernel for it, so it
 * is written in the form that measured fastest for the kind of convolution.
 */
import type { Shape, Value } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import type { Emitter } from "./define.js";
import { mul } from "./expression.js";
import { padZeros, reshape, slice, sumOver, transpose } from "./emission.js";
import type { Window } from "./window.js";
import { cutsAtTap, padsOf, tapsOf } from "./window.js";

/** A convolution seen from its output. */
export interface ConvUse {
  /** [N, C, …]. */
  readonly input: Value;
  /** Gradient of the output, [N, M, …]. */
  readonly outputGrad: Value;
  /** [M, C/group, …]. */
  readonly weight: Shape;
  readonly window: Window;
  readonly group: number;
}

/** Input channels from which one matrix product per tap beats a convolution with swapped operands. */
const TAP_CHANNELS = 16;

/** The gradient with respect to the weight; has its shape. */
export function convWeightGradient(b: Emitter, use: ConvUse): Value {
  const { input, weight, group } = use;
  if (elementCount(input.type.shape) > 0 && group === 1 && weight[1]! >= TAP_CHANNELS) return byTaps(b, use);
  if (group === weight[0] && group === input.type.shape[1]) return depthwiseByTaps(b, use);
  return bySwap(b, use);
}

/** The input elements that meet tap `tap` of the kernel, one per output position. Requires: `padded` includes the padding. */
function inputAtTap(b: Emitter, padded: Value, tap: readonly number[], { window, outputGrad }: ConvUse): Value {
  return slice(b, padded, cutsAtTap(tap, outputGrad.type.shape.slice(2), window));
}

function withPadding(b: Emitter, { input, window }: ConvUse): Value {
  return padZeros(b, input, [0, 0, ...window.padsBegin], [0, 0, ...window.padsEnd]);
}

/** One matrix product [M, N·P] × [N·P, C] per tap, for dense kernels; P is the number of output positions. */
function byTaps(b: Emitter, use: ConvUse): Value {
  const { outputGrad, weight, window } = use;
  const [outChannels, channels] = weight as readonly [number, number];
  const positions = elementCount(outputGrad.type.shape) / outChannels;
  const channelsFirst = (value: Value, count: number): Value => {
    const swapped = [1, 0, ...value.type.shape.slice(2).map((_, axis) => axis + 2)];
    return reshape(b, transpose(b, value, value.type.shape[0] === 1 ? [...swapped.keys()] : swapped), [
      count,
      positions,
    ]);
  };
  const dy = channelsFirst(outputGrad, outChannels);
  const padded = withPadding(b, use);
  const products = tapsOf(window.kernel).map((tap) =>
    b.emit("Gemm", [dy, channelsFirst(inputAtTap(b, padded, tap, use), channels)], { transB: 1 }),
  );
  if (products.length === 1) return reshape(b, products[0]!, weight);
  const columns = products.map((product) => reshape(b, product, [outChannels, channels, 1]));
  return reshape(b, b.emit("Concat", columns, { axis: 2 }), weight);
}

/** One product and one sum per tap, for one input channel per output channel. */
function depthwiseByTaps(b: Emitter, use: ConvUse): Value {
  const { outputGrad, weight, window } = use;
  const padded = withPadding(b, use);
  const summed = [0, ...window.kernel.map((_, axis) => axis + 2)];
  const columns = tapsOf(window.kernel).map((tap) => {
    const product = mul(b, outputGrad, inputAtTap(b, padded, tap, use));
    return reshape(b, sumOver(b, product, summed), [weight[0]!, 1]);
  });
  return reshape(b, columns.length === 1 ? columns[0]! : b.emit("Concat", columns, { axis: 1 }), weight);
}

/**
 * A convolution whose batch are the input channels, whose kernel is the output gradient, and whose strides and
 * dilations are exchanged. Serves every group count.
 */
function bySwap(b: Emitter, { input, outputGrad, weight, window, group }: ConvUse): Value {
  const [batch, channels, ...spatial] = input.type.shape as readonly [number, number, ...number[]];
  const [outChannels, perGroup, ...kernel] = weight as readonly [number, number, ...number[]];
  const axes = kernel.map((_, axis) => axis + 2);
  const grouped = reshape(b, input, [batch, group, channels / group, ...spatial]);
  const byChannel = transpose(b, grouped, [2, 1, 0, ...axes.map((axis) => axis + 1)]);
  const data = reshape(b, byChannel, [perGroup, group * batch, ...spatial]);
  const asKernel = transpose(b, outputGrad, [1, 0, ...axes]);
  const product = b.emit("Conv", [data, asKernel], {
    strides: window.dilations,
    dilations: window.strides,
    pads: padsOf(window),
    group,
  });
  const cropped = slice(
    b,
    product,
    kernel.map((size, axis) => ({ axis: axis + 2, start: 0, end: size })),
  );
  return reshape(b, transpose(b, cropped, [1, 0, ...axes]), [outChannels, perGroup, ...kernel]);
}
