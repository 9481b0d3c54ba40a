/** @file The most inputs that a node of each operator has, in any operator set. Source: onnx/docs/Operators.md. */

/** Operators by their most inputs; those with any number of inputs are in none. */
const MOST: Readonly<Record<number, Readonly<Record<string, true>>>> = {
  0: { RandomUniform: true, RandomNormal: true, Constant: true },
  1: {
    ...{ Sigmoid: true, Tanh: true, Softplus: true, Softsign: true, Mish: true, Gelu: true, Elu: true, Celu: true },
    ...{ Selu: true, Cast: true, Relu: true, LeakyRelu: true, ThresholdedRelu: true, HardSigmoid: true },
    ...{ HardSwish: true, Shrink: true, Swish: true, BitwiseNot: true, RandomUniformLike: true },
    ...{ RandomNormalLike: true, Bernoulli: true, Multinomial: true, ArgMax: true, ArgMin: true, Softmax: true },
    ...{ LogSoftmax: true, Hardmax: true, Abs: true, Neg: true, Identity: true, Exp: true, Sqrt: true },
    ...{ Reciprocal: true, Tan: true, Log: true, Sin: true, Cos: true, Asin: true, Acos: true, Atan: true },
    ...{ Sinh: true, Cosh: true, Asinh: true, Acosh: true, Atanh: true, Erf: true, Ceil: true, Floor: true },
    ...{ Round: true, Sign: true, Not: true, IsNaN: true, IsInf: true, Flatten: true, Transpose: true },
    ...{ GlobalAveragePool: true, GlobalMaxPool: true, GlobalLpPool: true, Det: true, MaxPool: true },
    ...{ AveragePool: true, LpPool: true, DepthToSpace: true, SpaceToDepth: true, LpNormalization: true, LRN: true },
    ...{ MeanVarianceNormalization: true, NonZero: true, Unique: true, Shape: true, Size: true, EyeLike: true },
    ...{ ConstantOfShape: true, If: true, SequenceLength: true, OptionalHasElement: true, Optional: true },
    ...{ OptionalGetElement: true, ConcatFromSequence: true },
  },
  2: {
    ...{ Add: true, Sub: true, Mul: true, Div: true, Pow: true, Mod: true, CastLike: true, PRelu: true, Equal: true },
    ...{ Greater: true, GreaterOrEqual: true, Less: true, LessOrEqual: true, And: true, Or: true, Xor: true },
    ...{ BitwiseAnd: true, BitwiseOr: true, BitwiseXor: true, BitShift: true, CumSum: true, CumProd: true },
    ...{ Reshape: true, Squeeze: true, Unsqueeze: true, Expand: true, Gather: true, GatherElements: true },
    ...{ GatherND: true, MatMul: true, CenterCropPad: true, ReverseSequence: true, Trilu: true, TopK: true },
    ...{ Compress: true, AffineGrid: true, GridSample: true, Split: true, ReduceSum: true, ReduceMean: true },
    ...{ ReduceMax: true, ReduceMin: true, ReduceProd: true, ReduceL1: true, ReduceL2: true, ReduceLogSum: true },
    ...{ ReduceLogSumExp: true, ReduceSumSquare: true, RMSNormalization: true, Upsample: true, SequenceAt: true },
    ...{ SequenceErase: true, SplitToSequence: true },
  },
  3: {
    ...{ Dropout: true, Clip: true, Where: true, Tile: true, InstanceNormalization: true, GroupNormalization: true },
    ...{ Conv: true, LayerNormalization: true, Gemm: true, MaxUnpool: true, ScatterElements: true, ScatterND: true },
    ...{ Scatter: true, Col2Im: true, OneHot: true, RoiAlign: true, Range: true, NegativeLogLikelihoodLoss: true },
    ...{ ConvTranspose: true, SoftmaxCrossEntropyLoss: true, TensorScatter: true, DFT: true, SequenceInsert: true },
  },
  4: { Pad: true, Resize: true, RotaryEmbedding: true, STFT: true },
  5: { BatchNormalization: true, Slice: true },
  6: { RNN: true, GRU: true },
  7: { Attention: true },
  8: { LSTM: true },
};

const MOST_INPUTS: ReadonlyMap<string, number> = new Map(
  Object.entries(MOST).flatMap(([count, ops]) => Object.keys(ops).map((op) => [op, Number(count)] as const)),
);

/** The most inputs of an operator of ai.onnx; Infinity when it has no bound or is not known. */
export function mostInputs(op: string): number {
  return MOST_INPUTS.get(op) ?? Infinity;
}
