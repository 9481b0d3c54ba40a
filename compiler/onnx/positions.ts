/** @file Inputs with a special role, by op and position. */
import { invariant } from "../errors.js";

/**
 * Inputs that must be known at compile time, because shapes follow from them, or what is unrolled. A float initializer
 * that is read here, also through other nodes, becomes a literal. Those of Dropout must be known in training only.
 */
export const COMPILE_TIME_INPUTS: ReadonlyMap<string, readonly number[]> = new Map(
  Object.entries({
    AffineGrid: [1],
    BlackmanWindow: [0],
    CenterCropPad: [1],
    Col2Im: [1, 2],
    Compress: [1],
    ConstantOfShape: [0],
    CumProd: [1],
    CumSum: [1],
    DFT: [1, 2],
    Dropout: [1, 2],
    Expand: [1],
    HammingWindow: [0],
    HannWindow: [0],
    If: [0],
    Loop: [0, 1],
    MaxUnpool: [2],
    MelWeightMatrix: [0, 1, 2, 3, 4],
    NonZero: [0],
    OneHot: [1],
    Pad: [1, 3],
    Range: [0, 1, 2],
    ReduceL1: [1],
    ReduceL2: [1],
    ReduceLogSum: [1],
    ReduceLogSumExp: [1],
    ReduceMax: [1],
    ReduceMean: [1],
    ReduceMin: [1],
    ReduceProd: [1],
    ReduceSum: [1],
    ReduceSumSquare: [1],
    Reshape: [1],
    Resize: [1, 2, 3],
    SequenceAt: [1],
    SequenceErase: [1],
    SequenceInsert: [2],
    Slice: [1, 2, 3, 4],
    Split: [1],
    SplitToSequence: [1],
    Squeeze: [1],
    STFT: [1, 3],
    Tile: [1, 2],
    TopK: [1],
    Unsqueeze: [1],
  }),
);

/**
 * Inputs that are settings, not weights, when an initializer stands there directly: it becomes a literal. A value that
 * nodes compute from parameters stays a value, so that gradients reach them.
 */
export const SETTING_INPUTS: ReadonlyMap<string, readonly number[]> = new Map(
  Object.entries({ Clip: [1, 2], MaxRoiPool: [1], OneHot: [2], Pad: [2], RoiAlign: [1, 2] }),
);

/** Requires: the table of compile-time inputs has this one. */
export function checkCompileTime(op: string, position: number): void {
  invariant(COMPILE_TIME_INPUTS.get(op)?.includes(position), `input ${position} of ${op} is no compile-time input`);
}

/** True where engines want a list even of one number, which some exporters write without an axis. */
export function isListInput(op: string, position: number): boolean {
  const isFixed = COMPILE_TIME_INPUTS.get(op)?.includes(position) ?? false;
  return isFixed && (op === "TopK" || !SCALAR_INPUTS.get(op)?.includes(position));
}

/** Inputs that hold one number. */
export const SCALAR_INPUTS: ReadonlyMap<string, readonly number[]> = new Map(
  Object.entries({
    BlackmanWindow: [0],
    CumProd: [1],
    CumSum: [1],
    DFT: [1, 2],
    Dropout: [1, 2],
    HammingWindow: [0],
    HannWindow: [0],
    MelWeightMatrix: [0, 1, 2, 3, 4],
    OneHot: [1],
    Range: [0, 1, 2],
    STFT: [1, 3],
    TopK: [1],
    Trilu: [1],
  }),
);

/** Inputs where operators have weights, so that a constant of the file which stands there is one. */
export const WEIGHT_INPUTS: ReadonlyMap<string, readonly number[]> = new Map(
  Object.entries({
    Add: [0, 1],
    BatchNormalization: [1, 2, 3, 4],
    Conv: [1, 2],
    ConvTranspose: [1, 2],
    Gather: [0],
    Gemm: [1, 2],
    GroupNormalization: [1, 2],
    GRU: [1, 2, 3],
    InstanceNormalization: [1, 2],
    LayerNormalization: [1, 2],
    LSTM: [1, 2, 3, 7],
    MatMul: [0, 1],
    Mul: [0, 1],
    PRelu: [1],
    RMSNormalization: [1],
    RNN: [1, 2, 3],
  }),
);
