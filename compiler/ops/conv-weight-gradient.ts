/**
 * @file The gradient of a convolution with respect to its weight, as plain ONNX. Engines have no kernel for it, so it
 * is written in the form that measured fastest for the kind of convolution (`npm run bench:ops`). Which form depends
 * on shapes alone.
 */
import { listed } from "../ir/listed.js";
import type { Shape, Value } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import { mapTaps, rowsThatCount } from "./conv-taps.js";
import type { Emitter } from "./define.js";
import { reshape, slice, sumOver, transpose } from "./emission.js";
import { mul } from "./expression.js";
import type { Window } from "./window.js";
import { padsOf } from "./window.js";

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
/** With no more channels than this, and more taps or no smaller a stride, copying a tap costs more than its arithmetic. */
const SWAP_CHANNELS = 4;
const SWAP_TAPS = 25;
const SWAP_STRIDE = 4;
/** The same for the taps of a depthwise convolution with a stride. */
const SWAP_DEPTHWISE_TAPS = 9;
/** How many times the elements of input and output together the matrix of all taps may have. */
const TAP_MATRIX_SHARE = 4;
/**
 * With so many times the input channels in the output, and as many times again positions in an image, turning the
 * input around costs less than copying the output gradient.
 */
const WIDENING = 4;
/** Up to so many groups each is a convolution of its own. */
const FEW_GROUPS = 8;

/** The gradient with respect to the weight; has its shape. */
export function convWeightGradient(b: Emitter, use: ConvUse): Value {
  const { input, weight, group } = use;
  if (elementCount(input.type.shape) === 0) return bySwap(b, use);
  if (group === 1) return ungrouped(b, use);
  const [outChannels, channels] = weight as readonly [number, number];
  if (channels === 1 && group === outChannels) return depthwise(b, use);
  return channels >= TAP_CHANNELS && group <= FEW_GROUPS ? byGroups(b, use) : byGroupTaps(b, use);
}

function ungrouped(b: Emitter, use: ConvUse): Value {
  const { input, outputGrad, weight, window } = use;
  const [outChannels, channels] = weight as readonly [number, number];
  const taps = elementCount(window.kernel);
  const positions = elementCount(outputGrad.type.shape) / outChannels;
  if (widens(use)) return byImages(b, use);
  if (channels >= TAP_CHANNELS) {
    return taps > 1 && positions > FEW_POSITIONS ? byTaps(b, use) : byColumns(b, use);
  }
  const elements = elementCount(input.type.shape) + elementCount(outputGrad.type.shape);
  const fits = taps * channels * positions <= TAP_MATRIX_SHARE * elements;
  const manyTaps = taps > SWAP_TAPS || window.strides.every((stride) => stride >= SWAP_STRIDE);
  return fits && !(manyTaps && channels <= SWAP_CHANNELS) ? byTapRows(b, use) : bySwap(b, use);
}

function depthwise(b: Emitter, use: ConvUse): Value {
  const { kernel, strides } = use.window;
  const plain = strides.every((stride) => stride === 1);
  return plain || elementCount(kernel) <= SWAP_DEPTHWISE_TAPS ? depthwiseByTaps(b, use) : bySwap(b, use);
}

/** [N, C, …] as [C, N, …]. */
function channelsFirst(b: Emitter, value: Value): Value {
  const [batch, channels, ...spatial] = value.type.shape as readonly [number, number, ...number[]];
  if (batch === 1) return reshape(b, value, [channels, batch, ...spatial]);
  return transpose(b, value, [1, 0, ...spatial.map((_, axis) => axis + 2)]);
}

/** What `each` makes of the elements that a tap meets, as [C, N·P] with P output positions; one per tap. */
function mapTapMatrices(
  b: Emitter,
  { input, outputGrad, window }: ConvUse,
  each: (tap: Value) => Value,
): readonly Value[] {
  const [batch, channels] = input.type.shape as readonly [number, number];
  const positions = outputGrad.type.shape.slice(2);
  const [rows, left] = rowsThatCount(b, input, positions, window);
  return mapTaps(b, channelsFirst(b, rows), positions, left, (met) =>
    each(reshape(b, met, [channels, batch * elementCount(positions)])),
  );
}

function joined(b: Emitter, parts: readonly Value[], axis: number): Value {
  return parts.length === 1 ? parts[0]! : b.emit("Concat", parts, { axis });
}

/** The output gradient as [M, N·P]. */
function outputRows(b: Emitter, { outputGrad, weight }: ConvUse): Value {
  return reshape(b, channelsFirst(b, outputGrad), [weight[0]!, elementCount(outputGrad.type.shape) / weight[0]!]);
}

/** Products of single taps, one after the other and all as large, as a tensor whose last axis is the tap. */
function tapsLast(b: Emitter, products: readonly Value[]): Value {
  const { shape } = products[0]!.type;
  const stacked = reshape(b, joined(b, products, 0), [products.length, elementCount(shape)]);
  return reshape(b, transpose(b, stacked, [1, 0]), [...shape, products.length]);
}

/** One product [M, N·P] × [N·P, C] per tap. */
function byTaps(b: Emitter, use: ConvUse): Value {
  const rows = outputRows(b, use);
  const products = mapTapMatrices(b, use, (tap) => b.emit("Gemm", [rows, tap], { transB: 1 }));
  return reshape(b, tapsLast(b, products), use.weight);
}

/** One product [M, N·P] × [N·P, C·taps]. */
function byColumns(b: Emitter, use: ConvUse): Value {
  const rows = outputRows(b, use);
  const [channels, positions] = [use.weight[1]!, rows.type.shape[1]!];
  const taps = mapTapMatrices(b, use, (tap) => reshape(b, tap, [channels, 1, positions]));
  const columns = reshape(b, joined(b, taps, 1), [channels * taps.length, positions]);
  return reshape(b, b.emit("Gemm", [rows, columns], { transB: 1 }), use.weight);
}

/** True for large images and a single tap that meets each of their positions once and makes many more channels. */
function widens({ input, weight, window }: ConvUse): boolean {
  const [batch, channels, ...positions] = input.type.shape as readonly [number, number, ...number[]];
  const pointwise = elementCount(window.kernel) === 1 && window.strides.every((stride) => stride === 1);
  return (
    batch > 1 &&
    pointwise &&
    padsOf(window).every((pad) => pad === 0) &&
    weight[0]! >= WIDENING * channels &&
    elementCount(positions) >= WIDENING * WIDENING * channels
  );
}

/** One product [M, P] × [P, C] per image, for a single tap. */
function byImages(b: Emitter, { input, outputGrad, weight }: ConvUse): Value {
  const [batch, channels, ...positions] = input.type.shape as readonly [number, number, ...number[]];
  const flat = elementCount(positions);
  const turned = transpose(b, reshape(b, input, [batch, channels, flat]), [0, 2, 1]);
  const products = b.emit("MatMul", [reshape(b, outputGrad, [batch, weight[0]!, flat]), turned]);
  return reshape(b, sumOver(b, products, [0]), weight);
}

/** One product [taps·C, N·P] × [N·P, M]: with few channels it is small, and taps side by side are cheap to join. */
function byTapRows(b: Emitter, use: ConvUse): Value {
  const [outChannels, channels] = use.weight as readonly [number, number];
  const taps = mapTapMatrices(b, use, (tap) => tap);
  const product = b.emit("Gemm", [joined(b, taps, 0), outputRows(b, use)], { transB: 1 });
  const apart = reshape(b, product, [taps.length, channels, outChannels]);
  return reshape(b, transpose(b, apart, [2, 1, 0]), use.weight);
}

/** Every group as a convolution of its own. */
function byGroups(b: Emitter, use: ConvUse): Value {
  const { group, weight, window } = use;
  const [outChannels, channels, ...kernel] = weight as readonly [number, number, ...number[]];
  const parts = (value: Value, size: number): readonly Value[] =>
    b.emitMany("Split", [value, b.int64s(listed(group, () => size))], group, { axis: 1 });
  const [inputs, grads] = [parts(use.input, channels), parts(use.outputGrad, outChannels / group)];
  const own = [outChannels / group, channels, ...kernel];
  const products = inputs.map((input, at) =>
    ungrouped(b, { input, outputGrad: grads[at]!, weight: own, window, group: 1 }),
  );
  return joined(b, products, 0);
}

/** One stack of products [C/group, N·P] × [N·P, M/group] per tap. */
function byGroupTaps(b: Emitter, use: ConvUse): Value {
  const { weight, group } = use;
  const [channels, perGroup] = [weight[1]!, weight[0]! / group];
  const rows = outputRows(b, use);
  const positions = rows.type.shape[1]!;
  const dy = transpose(b, reshape(b, rows, [group, perGroup, positions]), [0, 2, 1]);
  const products = mapTapMatrices(b, use, (tap) =>
    b.emit("MatMul", [reshape(b, tap, [group, channels, positions]), dy]),
  );
  return reshape(b, transpose(b, tapsLast(b, products), [0, 2, 1, 3]), weight);
}

/** One product and one sum per tap, for one input channel per output channel. */
function depthwiseByTaps(b: Emitter, { input, outputGrad, weight, window }: ConvUse): Value {
  const positions = outputGrad.type.shape.slice(2);
  const summed = [0, ...positions.map((_, axis) => axis + 2)];
  const columns = mapTaps(b, input, positions, window, (met) =>
    reshape(b, sumOver(b, mul(b, outputGrad, met), summed), [weight[0]!, 1]),
  );
  return reshape(b, joined(b, columns, 1), weight);
}

/**
 * A convolution whose batch are the input channels, whose kernel is the output gradient, and whose strides and
 * dilations are exchanged. Copies no taps.
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
