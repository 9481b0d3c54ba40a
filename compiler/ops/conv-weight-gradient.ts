/**
 * @file The gradient of a convolution with respect to its weight, as plain ONNX. Engines have no kernel for it, so it
 * is written in the form that measured fastest for the kind of convolution (`npm run bench:ops`).
 */
import type { Shape, Value } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import type { Emitter } from "./define.js";
import { padZeros, reshape, slice, sumOver, transpose } from "./emission.js";
import { mul } from "./expression.js";
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

/** Fewer input channels than this do not fill the matrix product of a single tap. */
const TAP_CHANNELS = 16;
/** Up to so many positions the matrix of all taps stays in the cache. */
const FEW_POSITIONS = 512;
/** With fewer channels and more taps than this, copying the input once per tap costs more than the arithmetic. */
const SWAP_CHANNELS = 4;
const SWAP_TAPS = 25;

/** The gradient with respect to the weight; has its shape. */
export function convWeightGradient(b: Emitter, use: ConvUse): Value {
  const { input, outputGrad, weight, window, group } = use;
  if (elementCount(input.type.shape) === 0) return bySwap(b, use);
  const channels = weight[1]!;
  const taps = elementCount(window.kernel);
  if (group === 1) {
    if (channels <= SWAP_CHANNELS && taps >= SWAP_TAPS) return bySwap(b, use);
    const positions = elementCount(outputGrad.type.shape) / weight[0]!;
    return taps > 1 && channels >= TAP_CHANNELS && positions > FEW_POSITIONS ? byTaps(b, use) : byColumns(b, use);
  }
  const depthwise = channels === 1 && group === weight[0];
  if (!depthwise) return byGroupColumns(b, use);
  return window.strides.every((stride) => stride === 1) ? depthwiseByTaps(b, use) : bySwap(b, use);
}

/** [N, C, …] as [C, N, …]. */
function channelsFirst(b: Emitter, value: Value): Value {
  const [batch, channels, ...spatial] = value.type.shape as readonly [number, number, ...number[]];
  if (batch === 1) return reshape(b, value, [channels, batch, ...spatial]);
  return transpose(b, value, [1, 0, ...spatial.map((_, axis) => axis + 2)]);
}

/** What each tap meets, as [C, N·P] with P output positions. */
function tapMatrices(b: Emitter, { input, outputGrad, window }: ConvUse): readonly Value[] {
  const [batch, channels] = input.type.shape as readonly [number, number];
  const positions = outputGrad.type.shape.slice(2);
  const padded = padZeros(b, channelsFirst(b, input), [0, 0, ...window.padsBegin], [0, 0, ...window.padsEnd]);
  return tapsOf(window.kernel).map((tap) =>
    reshape(b, slice(b, padded, cutsAtTap(tap, positions, window)), [channels, batch * elementCount(positions)]),
  );
}

function joined(b: Emitter, parts: readonly Value[], axis: number): Value {
  return parts.length === 1 ? parts[0]! : b.emit("Concat", parts, { axis });
}

/** The output gradient as [M, N·P]. */
function outputRows(b: Emitter, { outputGrad, weight }: ConvUse): Value {
  return reshape(b, channelsFirst(b, outputGrad), [weight[0]!, elementCount(outputGrad.type.shape) / weight[0]!]);
}

/** One product [M, N·P] × [N·P, C] per tap. */
function byTaps(b: Emitter, use: ConvUse): Value {
  const [outChannels, channels] = use.weight as readonly [number, number];
  const rows = outputRows(b, use);
  const products = tapMatrices(b, use).map((tap) => b.emit("Gemm", [rows, tap], { transB: 1 }));
  const stacked = reshape(b, joined(b, products, 0), [products.length, outChannels * channels]);
  return reshape(b, transpose(b, stacked, [1, 0]), use.weight);
}

/** All taps of the input as one matrix [C·taps, N·P]. */
function columnsOf(b: Emitter, use: ConvUse): Value {
  const taps = tapMatrices(b, use);
  const [channels, positions] = taps[0]!.type.shape as readonly [number, number];
  const apart = taps.map((tap) => reshape(b, tap, [channels, 1, positions]));
  return reshape(b, joined(b, apart, 1), [channels * taps.length, positions]);
}

/** One product [M, N·P] × [N·P, C·taps]. */
function byColumns(b: Emitter, use: ConvUse): Value {
  return reshape(b, b.emit("Gemm", [outputRows(b, use), columnsOf(b, use)], { transB: 1 }), use.weight);
}

/** The same for every group, as one stack of products. */
function byGroupColumns(b: Emitter, use: ConvUse): Value {
  const { outputGrad, weight, group } = use;
  const columns = columnsOf(b, use);
  const [rows, positions] = columns.type.shape as readonly [number, number];
  const [batch, outChannels] = outputGrad.type.shape as readonly [number, number];
  const perGroup = outChannels / group;
  const grouped = reshape(b, outputGrad, [batch, group, perGroup, positions / batch]);
  const dy = reshape(b, transpose(b, grouped, [1, 0, 3, 2]), [group, positions, perGroup]);
  const product = b.emit("MatMul", [reshape(b, columns, [group, rows / group, positions]), dy]);
  return reshape(b, transpose(b, product, [0, 2, 1]), weight);
}

/** One product and one sum per tap, for one input channel per output channel. */
function depthwiseByTaps(b: Emitter, { input, outputGrad, weight, window }: ConvUse): Value {
  const padded = padZeros(b, input, [0, 0, ...window.padsBegin], [0, 0, ...window.padsEnd]);
  const positions = outputGrad.type.shape.slice(2);
  const summed = [0, ...positions.map((_, axis) => axis + 2)];
  const columns = tapsOf(window.kernel).map((tap) => {
    const product = mul(b, outputGrad, slice(b, padded, cutsAtTap(tap, positions, window)));
    return reshape(b, sumOver(b, product, summed), [weight[0]!, 1]);
  });
  return reshape(b, joined(b, columns, 1), weight);
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
  const product = b.emit("Conv", [data, transpose(b, outputGrad, [1, 0, ...axes])], {
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
