/**
 * @file What ONNX Runtime's CPU kernels do with memory besides making their outputs: some hand on or overwrite an input,
 * some need room of their own while they run. Probed on version 1.30.
 */
import type { Node } from "../ir/graph.js";
import { elementCount, tensorBytes } from "../ir/literal.js";
import { convWindow } from "./conv.js";
import { broadcastShapes, normalizeAxis } from "./shape.js";
import type { OpType } from "./types.js";
import { spatialOf } from "./window.js";

/** The input whose memory an output takes: always, as a view, or in place, where nothing else reads the input. */
export interface InputReuse {
  readonly input: number;
  readonly how: "view" | "in place";
}

const VIEW = [{ input: 0, how: "view" }] as const;
const IN_PLACE = [{ input: 0, how: "in place" }] as const;

/** By output. */
const REUSE: { readonly [K in OpType]?: readonly (InputReuse | undefined)[] } = {
  Reshape: VIEW,
  Flatten: VIEW,
  Squeeze: VIEW,
  Unsqueeze: VIEW,
  Identity: VIEW,
  BatchNormalization: [undefined, { input: 3, how: "view" }, { input: 4, how: "view" }],
  Relu: IN_PLACE,
  LeakyRelu: IN_PLACE,
  ThresholdedRelu: IN_PLACE,
  Clip: IN_PLACE,
  Shrink: IN_PLACE,
  HardSigmoid: IN_PLACE,
  Sigmoid: IN_PLACE,
  Tanh: IN_PLACE,
  Softplus: IN_PLACE,
  Softsign: IN_PLACE,
  Elu: IN_PLACE,
  Celu: IN_PLACE,
  Selu: IN_PLACE,
  Softmax: IN_PLACE,
  LogSoftmax: IN_PLACE,
  Cast: IN_PLACE,
  CastLike: IN_PLACE,
  Trilu: IN_PLACE,
  ScatterElements: IN_PLACE,
};

/** How an output of a node takes the memory of an input; undefined: it has its own. */
export function inputReuse({ op }: Node, output: number): InputReuse | undefined {
  return REUSE[op]?.[output];
}

/** Elements that a convolution unfolds at a time, where it does not unfold a whole image (MLAS_SGEMM_STRIDEN · STRIDEK). */
const UNFOLDED_ELEMENTS = 128 * 128;

/** Buffers that a kernel holds at once, in bytes. */
type Scratch<K extends OpType> = (node: Node<K>) => readonly number[];

const FLOAT_BYTES = 4;

/** Input and output with the axis last, where it is another. */
const transposed: Scratch<"Softmax" | "LogSoftmax"> = ({ outputs: [y], attrs }) => {
  const { shape } = y!.type;
  return normalizeAxis(attrs.axis, shape.length) === shape.length - 1 ? [] : twice(tensorBytes(y!.type));
};

/** Partial results: of n inputs, n - 2. */
const partial: Scratch<"Sum" | "Mean" | "Max" | "Min"> = ({ inputs, outputs: [y] }) =>
  inputs.slice(2).map(() => tensorBytes(y!.type));

const SCRATCH: { readonly [K in OpType]?: Scratch<K> } = {
  Softmax: transposed,
  LogSoftmax: transposed,
  Sum: partial,
  Mean: partial,
  Max: partial,
  Min: partial,
  // What each side gives where it is chosen, and zeros elsewhere.
  Where: ({ inputs: [condition, ...sides] }) =>
    sides.map((side) => {
      const shape = broadcastShapes(condition!.type.shape, side!.type.shape);
      return tensorBytes({ dtype: side!.type.dtype, shape });
    }),
  // Mean and deviation, of the microbatch or of each row.
  BatchNormalization: ({ inputs: [, scale], attrs }) =>
    attrs.training_mode === 0 ? [] : twice(tensorBytes(scale!.type)),
  LayerNormalization: ({ inputs: [x], outputs: [, mean], attrs }) => {
    const { shape } = x!.type;
    return mean ? [] : twice(FLOAT_BYTES * elementCount(shape.slice(0, normalizeAxis(attrs.axis, shape.length))));
  },
  // MlasConvPrepare in onnxruntime/core/mlas/lib/convolve.cpp, with one thread.
  Conv: ({ inputs: [x, w], outputs: [y], attrs }) => {
    const [filters, ...kernel] = w!.type.shape as readonly [number, ...number[]];
    const window = convWindow(x!.type.shape, w!.type.shape, attrs);
    const isPlain =
      [...window.kernel, ...window.strides].every((size) => size === 1) &&
      [...window.padsBegin, ...window.padsEnd].every((pad) => pad === 0);
    if (isPlain) return [];
    const outputs = elementCount(spatialOf(y!.type.shape));
    return [FLOAT_BYTES * (filters / attrs.group > outputs ? outputs * elementCount(kernel) : UNFOLDED_ELEMENTS)];
  },
  // One image of a group, unfolded: onnxruntime/core/providers/cpu/nn/conv_transpose.cc.
  ConvTranspose: ({ inputs: [x, w] }) => [
    FLOAT_BYTES * elementCount(spatialOf(x!.type.shape)) * elementCount(w!.type.shape.slice(1)),
  ],
};

function twice(bytes: number): readonly number[] {
  return [bytes, bytes];
}

/** Buffers that a node takes beside its outputs while it runs, in bytes. */
export function scratchBytes(node: Node): readonly number[] {
  return (SCRATCH[node.op] as ((node: Node) => readonly number[]) | undefined)?.(node) ?? [];
}
