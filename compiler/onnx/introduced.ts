/**
 * @file The operator set of ai.onnx that brought each operator, where that is later than 6. Source: the operator schemas
 * of ONNX 1.23. LayerNormalization is left out: ONNX Runtime writes it into files of older operator sets.
 */

const BY_OPSET: Readonly<Record<number, string>> = {
  7: "Acos Asin Atan Cos Multinomial Sin Tan",
  8: "Expand Scan",
  9: "Acosh Asinh Atanh Compress ConstantOfShape Cosh Erf EyeLike IsNaN MaxUnpool MeanVarianceNormalization NonZero OneHot Scatter Shrink Sign Sinh TfIdfVectorizer Where",
  10: "ConvInteger DequantizeLinear IsInf MatMulInteger Mod NonMaxSuppression QLinearConv QLinearMatMul QuantizeLinear Resize ReverseSequence RoiAlign StringNormalizer ThresholdedRelu",
  11: "BitShift ConcatFromSequence CumSum Det DynamicQuantizeLinear GatherElements GatherND Range Round ScatterElements ScatterND SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SplitToSequence Unique",
  12: "Celu Einsum GreaterOrEqual LessOrEqual NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss",
  14: "HardSwish Trilu",
  15: "Bernoulli CastLike Optional OptionalGetElement OptionalHasElement",
  16: "GridSample",
  17: "BlackmanWindow DFT HammingWindow HannWindow MelWeightMatrix STFT SequenceMap",
  18: "BitwiseAnd BitwiseNot BitwiseOr BitwiseXor CenterCropPad Col2Im GroupNormalization Mish",
  19: "DeformConv",
  20: "AffineGrid Gelu ImageDecoder RegexFullMatch StringConcat StringSplit",
  23: "Attention RMSNormalization RotaryEmbedding",
  24: "Swish TensorScatter",
  26: "BitCast CumProd",
  27: "CausalConvWithState LinearAttention",
};

const INTRODUCED: ReadonlyMap<string, number> = new Map(
  Object.entries(BY_OPSET).flatMap(([opset, ops]) => ops.split(" ").map((op) => [op, Number(opset)])),
);

/** The first operator set that has an operator of ai.onnx; 1 for those of the first ones and those that are unknown. */
export function introducedIn(op: string): number {
  return INTRODUCED.get(op) ?? 1;
}
