/** @file Operators of ai.onnx that are refused, and why. */

const INTEGERS = "quantised arithmetic has no gradient; train the model before it is quantised";
const STRINGS = "strings cannot be trained on; move this part out of the model";
const DEPENDS = "the size of the result depends on values, so it has no static shape";

export const REFUSALS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    BitCast: "bits of a number have no gradient",
    CausalConvWithState: "the state of a recurrence is not carried; export with Conv and Pad",
    ConvInteger: INTEGERS,
    ImageDecoder: "images are decoded before training, not in the model",
    LinearAttention: "the state of a recurrence is not carried; export with MatMul and CumSum",
    NonMaxSuppression: DEPENDS,
    QLinearConv: INTEGERS,
    QLinearMatMul: INTEGERS,
    RegexFullMatch: STRINGS,
    StringConcat: STRINGS,
    StringNormalizer: STRINGS,
    StringSplit: STRINGS,
    SwiGLU: "it is newer than the operator sets known here; export with Swish and Mul",
    TfIdfVectorizer: STRINGS,
    Unique: DEPENDS,
  }),
);
