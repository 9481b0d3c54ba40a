/**
 * @file Form of every operator of ai.onnx: since which operator set it exists, how many inputs and outputs it has at most,
 * of which types its inputs are, and its attributes. Source: the operator schemas of ONNX 1.23, all versions together.
 */
import type { AttrKind } from "../ops/define.js";

/**
 * One line per operator: name, inputs, outputs, types, attributes. "@9" is since operator set 9, "<13" until 13, without
 * it. Types by position, "+" for inputs that repeat the last one and cannot be left out: f floats, l int64, i int32 or
 * int64, z integers, n numbers, b truth values, s strings, * any; a digit behind: the same as at that position. Two entries
 * go beyond the schemas, for what ONNX Runtime writes: LayerNormalization has no first set, and the value of a Constant may
 * be sparse.
 */
const FORMS = `
Abs | 1 | 1 | n | consumed_inputs:ints<6
Acos@7 | 1 | 1 | f | -
Acosh@9 | 1 | 1 | f | -
Add | 2 | 1 | nn0 | axis:int<7 broadcast:int<7 consumed_inputs:ints<6
AffineGrid@20 | 2 | 1 | fl | align_corners:int
And | 2 | 1 | bb0 | axis:int<7 broadcast:int<7
ArgMax | 1 | 1 | n | axis:int keepdims:int select_last_index:int@12
ArgMin | 1 | 1 | n | axis:int keepdims:int select_last_index:int@12
Asin@7 | 1 | 1 | f | -
Asinh@9 | 1 | 1 | f | -
Atan@7 | 1 | 1 | f | -
Atanh@9 | 1 | 1 | f | -
Attention@23 | 6 7@24 | 4 | ff0f*f0f2l | is_causal:int kv_num_heads:int left_window_size:int@25 q_num_heads:int qk_matmul_output_mode:int right_window_size:int@25 scale:float softcap:float softmax_precision:int
AveragePool | 1 | 1 | f | auto_pad:string ceil_mode:int@10 count_include_pad:int@7 dilations:ints@19 kernel_shape:ints pads:ints strides:ints
BatchNormalization | 5 | 5 3@14 | fff1ff3 | consumed_inputs:ints<6 epsilon:float is_test:int<7 momentum:float spatial:int<9 training_mode:int@14
Bernoulli@15 | 1 | 1 | f | dtype:int seed:float
BitCast@26 | 1 | 1 | * | to:int
BitShift@11 | 2 | 1 | zz0 | direction:string
BitwiseAnd@18 | 2 | 1 | zz0 | -
BitwiseNot@18 | 1 | 1 | z | -
BitwiseOr@18 | 2 | 1 | zz0 | -
BitwiseXor@18 | 2 | 1 | zz0 | -
BlackmanWindow@17 | 1 | 1 | i | output_datatype:int periodic:int
Cast | 1 | 1 | * | round_mode:string@24 saturate:int@19 to:int@6 to:string<6
CastLike@15 | 2 | 1 | ** | round_mode:string@24 saturate:int@19
CausalConvWithState@27 | 4 | 2 | ff0f0f0 | activation:string
Ceil | 1 | 1 | f | consumed_inputs:ints<6
Celu@12 | 1 | 1 | f | alpha:float
CenterCropPad@18 | 2 | 1 | *i | axes:ints
Clip | 1 3@11 | 1 | nn0n0 | consumed_inputs:ints<6 max:float<11 min:float<11
Col2Im@18 | 3 | 1 | *ll | dilations:ints pads:ints strides:ints
Compress@9 | 2 | 1 | *b | axis:int
Concat | ∞ | 1 | *+ | axis:int
ConcatFromSequence@11 | 1 | 1 | * | axis:int new_axis:int
Constant | 0 | 1 | - | sparse_value:sparse@11 value:tensor value:sparse value_float:float@12 value_floats:floats@12 value_int:int@12 value_ints:ints@12 value_string:string@12 value_strings:strings@12
ConstantOfShape@9 | 1 | 1 | l | value:tensor
Conv | 3 | 1 | ff0f0 | auto_pad:string dilations:ints group:int kernel_shape:ints pads:ints strides:ints
ConvInteger@10 | 4 | 1 | zzz0z1 | auto_pad:string dilations:ints group:int kernel_shape:ints pads:ints strides:ints
ConvTranspose | 3 | 1 | ff0f0 | auto_pad:string dilations:ints group:int kernel_shape:ints output_padding:ints output_shape:ints pads:ints strides:ints
Cos@7 | 1 | 1 | f | -
Cosh@9 | 1 | 1 | f | -
CumProd@26 | 2 | 1 | ni | exclusive:int reverse:int
CumSum@11 | 2 | 1 | ni | exclusive:int reverse:int
DFT@17 | 2 3@20 | 1 | fil | axis:int<20 inverse:int onesided:int
DeformConv@19 | 5 | 1 | ff0f0f0f0 | dilations:ints group:int kernel_shape:ints offset_group:int pads:ints strides:ints
DepthToSpace | 1 | 1 | * | blocksize:int mode:string@11
DequantizeLinear@10 | 3 | 1 | *n*0 | axis:int@13 block_size:int@21 output_dtype:int@23
Det@11 | 1 | 1 | f | -
Div | 2 | 1 | nn0 | axis:int<7 broadcast:int<7 consumed_inputs:ints<6
Dropout | 1 3@12 | 2 | nnb | consumed_inputs:ints<6 is_test:int<7 ratio:float<12 seed:int@12
DynamicQuantizeLinear@11 | 1 | 3 | f | -
Einsum@12 | ∞ | 1 | n+ | equation:string
Elu | 1 | 1 | f | alpha:float consumed_inputs:ints<6
Equal | 2 | 1 | **0 | axis:int<7 broadcast:int<7
Erf@9 | 1 | 1 | n | -
Exp | 1 | 1 | f | consumed_inputs:ints<6
Expand@8 | 2 | 1 | *l | -
EyeLike@9 | 1 | 1 | * | dtype:int k:int
Flatten | 1 | 1 | * | axis:int
Floor | 1 | 1 | f | consumed_inputs:ints<6
GRU | 6 | 2 | ff0f0f0if0 | activation_alpha:floats activation_beta:floats activations:strings clip:float direction:string hidden_size:int layout:int@14 linear_before_reset:int@3 output_sequence:int<7
Gather | 2 | 1 | *i | axis:int
GatherElements@11 | 2 | 1 | *i | axis:int
GatherND@11 | 2 | 1 | *l | batch_dims:int@12
Gelu@20 | 1 | 1 | f | approximate:string
Gemm | 3 | 1 | nn0n0 | alpha:float beta:float broadcast:int<7 transA:int transB:int
GlobalAveragePool | 1 | 1 | f | -
GlobalLpPool | 1 | 1 | f | p:float<2 p:int@2
GlobalMaxPool | 1 | 1 | f | -
Greater | 2 | 1 | nn0 | axis:int<7 broadcast:int<7
GreaterOrEqual@12 | 2 | 1 | nn0 | -
GridSample@16 | 2 | 1 | *f | align_corners:int mode:string padding_mode:string
GroupNormalization@18 | 3 | 1 | ff0f0 | epsilon:float num_groups:int stash_type:int
HammingWindow@17 | 1 | 1 | i | output_datatype:int periodic:int
HannWindow@17 | 1 | 1 | i | output_datatype:int periodic:int
HardSigmoid | 1 | 1 | f | alpha:float beta:float consumed_inputs:ints<6
HardSwish@14 | 1 | 1 | f | -
Hardmax | 1 | 1 | f | axis:int
Identity | 1 | 1 | * | -
If | 1 | ∞ | b | else_branch:graph then_branch:graph
ImageDecoder@20 | 1 | 1 | z | pixel_format:string
InstanceNormalization | 3 | 1 | ff0f0 | consumed_inputs:ints<6 epsilon:float
IsInf@10 | 1 | 1 | n | detect_negative:int detect_positive:int
IsNaN@9 | 1 | 1 | n | -
LRN | 1 | 1 | f | alpha:float beta:float bias:float size:int
LSTM | 8 | 3 | ff0f0f0if0f0f0 | activation_alpha:floats activation_beta:floats activations:strings clip:float direction:string hidden_size:int input_forget:int layout:int@14 output_sequence:int<7
LayerNormalization | 3 | 3 | ff0f0 | axis:int epsilon:float stash_type:int
LeakyRelu | 1 | 1 | f | alpha:float consumed_inputs:ints<6
Less | 2 | 1 | nn0 | axis:int<7 broadcast:int<7
LessOrEqual@12 | 2 | 1 | nn0 | -
LinearAttention@27 | 6 | 2 | ff0f0ff0f0 | chunk_size:int kv_num_heads:int q_num_heads:int scale:float update_rule:string
Log | 1 | 1 | f | consumed_inputs:ints<6
LogSoftmax | 1 | 1 | f | axis:int
Loop | ∞ | ∞ | lb* | body:graph
LpNormalization | 1 | 1 | f | axis:int p:int
LpPool | 1 | 1 | f | auto_pad:string ceil_mode:int@18 dilations:ints@18 kernel_shape:ints p:float<2 p:int@2 pads:ints strides:ints
MatMul | 2 | 1 | nn0 | -
MatMulInteger@10 | 4 | 1 | zzz0z1 | -
Max | ∞ | 1 | n+ | consumed_inputs:ints<6
MaxPool | 1 | 1 2@8 | n | auto_pad:string ceil_mode:int@10 dilations:ints@10 kernel_shape:ints pads:ints storage_order:int@8 strides:ints
MaxRoiPool | 2 | 1 | ff0 | pooled_shape:ints spatial_scale:float
MaxUnpool@9 | 3 | 1 | fll1 | kernel_shape:ints pads:ints strides:ints
Mean | ∞ | 1 | f+ | consumed_inputs:ints<6
MeanVarianceNormalization@9 | 1 | 1 | f | axes:ints
MelWeightMatrix@17 | 5 | 1 | ii0i0ff3 | output_datatype:int
Min | ∞ | 1 | n+ | consumed_inputs:ints<6
Mish@18 | 1 | 1 | f | -
Mod@10 | 2 | 1 | nn0 | fmod:int
Mul | 2 | 1 | nn0 | axis:int<7 broadcast:int<7 consumed_inputs:ints<6
Multinomial@7 | 1 | 1 | f | dtype:int sample_size:int seed:float
Neg | 1 | 1 | n | consumed_inputs:ints<6
NegativeLogLikelihoodLoss@12 | 3 | 1 | fif0 | ignore_index:int reduction:string
NonMaxSuppression@10 | 5 | 1 | fflff | center_point_box:int
NonZero@9 | 1 | 1 | * | -
Not | 1 | 1 | b | -
OneHot@9 | 3 | 1 | nn* | axis:int
Optional@15 | 1 | 1 | * | type:type
OptionalGetElement@15 | 1 | 1 | * | -
OptionalHasElement@15 | 1 | 1 | * | -
Or | 2 | 1 | bb0 | axis:int<7 broadcast:int<7
PRelu | 2 | 1 | nn0 | consumed_inputs:ints<6
Pad | 1 3@11 4@18 | 1 | *l*0i | mode:string paddings:ints<2 pads:ints@2<11 value:float<11
Pow | 2 | 1 | nn | axis:int<7 broadcast:int<7
QLinearConv@10 | 9 | 1 | zfz0zfz3fzi | auto_pad:string dilations:ints group:int kernel_shape:ints pads:ints strides:ints
QLinearMatMul@10 | 8 | 1 | nfn0nf1n3f1n | -
QuantizeLinear@10 | 3 | 1 | nn* | axis:int@13 block_size:int@21 output_dtype:int@21 precision:int@23 saturate:int@19
RMSNormalization@23 | 2 | 1 | ff | axis:int epsilon:float stash_type:int
RNN | 6 | 2 | ff0f0f0if0 | activation_alpha:floats activation_beta:floats activations:strings clip:float direction:string hidden_size:int layout:int@14 output_sequence:int<7
RandomNormal | 0 | 1 | - | dtype:int mean:float scale:float seed:float shape:ints
RandomNormalLike | 1 | 1 | * | dtype:int mean:float scale:float seed:float
RandomUniform | 0 | 1 | - | dtype:int high:float low:float seed:float shape:ints
RandomUniformLike | 1 | 1 | * | dtype:int high:float low:float seed:float
Range@11 | 3 | 1 | nn0n0 | stash_type:int@27
Reciprocal | 1 | 1 | f | consumed_inputs:ints<6
ReduceL1 | 1 2@18 | 1 | nl | axes:ints<18 keepdims:int noop_with_empty_axes:int@18
ReduceL2 | 1 2@18 | 1 | nl | axes:ints<18 keepdims:int noop_with_empty_axes:int@18
ReduceLogSum | 1 2@18 | 1 | nl | axes:ints<18 keepdims:int noop_with_empty_axes:int@18
ReduceLogSumExp | 1 2@18 | 1 | nl | axes:ints<18 keepdims:int noop_with_empty_axes:int@18
ReduceMax | 1 2@18 | 1 | *l | axes:ints<18 keepdims:int noop_with_empty_axes:int@18
ReduceMean | 1 2@18 | 1 | nl | axes:ints<18 keepdims:int noop_with_empty_axes:int@18
ReduceMin | 1 2@18 | 1 | *l | axes:ints<18 keepdims:int noop_with_empty_axes:int@18
ReduceProd | 1 2@18 | 1 | nl | axes:ints<18 keepdims:int noop_with_empty_axes:int@18
ReduceSum | 1 2@13 | 1 | nl | axes:ints<13 keepdims:int noop_with_empty_axes:int@13
ReduceSumSquare | 1 2@18 | 1 | nl | axes:ints<18 keepdims:int noop_with_empty_axes:int@18
RegexFullMatch@20 | 1 | 1 | s | pattern:string
Relu | 1 | 1 | n | consumed_inputs:ints<6
Reshape | 1 2@5 | 1 | *l | allowzero:int@14 consumed_inputs:ints<5 shape:ints<5
Resize@10 | 2 4@11 | 1 | *ffl | antialias:int@18 axes:ints@18 coordinate_transformation_mode:string@11 cubic_coeff_a:float@11 exclude_outside:int@11 extrapolation_value:float@11 keep_aspect_ratio_policy:string@18 mode:string nearest_mode:string@11
ReverseSequence@10 | 2 | 1 | *l | batch_axis:int time_axis:int
RoiAlign@10 | 3 | 1 | ff0l | coordinate_transformation_mode:string@16 mode:string output_height:int output_width:int sampling_ratio:int spatial_scale:float
RotaryEmbedding@23 | 4 | 1 | ff0f0l | interleaved:int num_heads:int rotary_embedding_dim:int
Round@11 | 1 | 1 | f | -
STFT@17 | 4 | 1 | fif0i1 | onesided:int
Scan@8 | ∞ | ∞ | ** | body:graph directions:ints<9 num_scan_inputs:int scan_input_axes:ints@9 scan_input_directions:ints@9 scan_output_axes:ints@9 scan_output_directions:ints@9
Scatter@9<11 | 3 | 1 | *i*0 | axis:int
ScatterElements@11 | 3 | 1 | *i*0 | axis:int reduction:string@16
ScatterND@11 | 3 | 1 | *l*0 | reduction:string@16
Selu | 1 | 1 | f | alpha:float consumed_inputs:ints<6 gamma:float
SequenceAt@11 | 2 | 1 | *i | -
SequenceConstruct@11 | ∞ | 1 | *+ | -
SequenceEmpty@11 | 0 | 1 | - | dtype:int
SequenceErase@11 | 2 | 1 | *i | -
SequenceInsert@11 | 3 | 1 | **i | -
SequenceLength@11 | 1 | 1 | * | -
SequenceMap@17 | ∞ | ∞ | ** | body:graph
Shape | 1 | 1 | * | end:int@15 start:int@15
Shrink@9 | 1 | 1 | n | bias:float lambd:float
Sigmoid | 1 | 1 | f | consumed_inputs:ints<6
Sign@9 | 1 | 1 | n | -
Sin@7 | 1 | 1 | f | -
Sinh@9 | 1 | 1 | f | -
Size | 1 | 1 | * | -
Slice | 1 5@10 | 1 | *ii1i1i1 | axes:ints<10 ends:ints<10 starts:ints<10
Softmax | 1 | 1 | f | axis:int
SoftmaxCrossEntropyLoss@12 | 3 | 2 | fif0 | ignore_index:int reduction:string
Softplus | 1 | 1 | f | -
Softsign | 1 | 1 | f | -
SpaceToDepth | 1 | 1 | * | blocksize:int mode:string@28
Split | 2 1@2 2@13 | ∞ | *n | axis:int num_outputs:int@18 split:ints<13
SplitToSequence@11 | 2 | 1 | *i | axis:int keepdims:int
Sqrt | 1 | 1 | f | consumed_inputs:ints<6
Squeeze | 1 2@13 | 1 | *l | axes:ints<13
StringConcat@20 | 2 | 1 | ss0 | -
StringNormalizer@10 | 1 | 1 | s | case_change_action:string is_case_sensitive:int locale:string stopwords:strings
StringSplit@20 | 1 | 2 | s | delimiter:string maxsplit:int
Sub | 2 | 1 | nn0 | axis:int<7 broadcast:int<7 consumed_inputs:ints<6
Sum | ∞ | 1 | f+ | consumed_inputs:ints<6
SwiGLU@28 | 2 | 1 | ff0 | alpha:float
Swish@24 | 1 | 1 | f | alpha:float
Tan@7 | 1 | 1 | f | -
Tanh | 1 | 1 | f | consumed_inputs:ints<6
TensorScatter@24 | 3 | 1 | **0l | axis:int mode:string
TfIdfVectorizer@9 | 1 | 1 | * | max_gram_length:int max_skip_count:int min_gram_length:int mode:string ngram_counts:ints ngram_indexes:ints pool_int64s:ints pool_strings:strings weights:floats
ThresholdedRelu@10 | 1 | 1 | f | alpha:float
Tile | 3 2@6 | 1 | *nf | -
TopK | 1 2@10 | 2 | nl | axis:int k:int<10 largest:int@11 sorted:int@11
Transpose | 1 | 1 | * | perm:ints
Trilu@14 | 2 | 1 | *l | upper:int
Unique@11 | 1 | 4 | * | axis:int sorted:int
Unsqueeze | 1 2@13 | 1 | *l | axes:ints<13
Upsample<10 | 1 2@9 | 1 | *f | height_scale:float<7 mode:string scales:floats@7<9 width_scale:float<7
Where@9 | 3 | 1 | b**1 | -
Xor | 2 | 1 | bb0 | axis:int<7 broadcast:int<7
`;

/** Operator sets that have something. */
export interface Span {
  readonly since: number;
  /** The first one without it. */
  readonly until: number;
}

export interface AttributeForm extends Span {
  readonly name: string;
  readonly kind: AttrKind | "graph" | "graphs" | "sparse" | "type" | "tensors";
}

export interface OperatorForm extends Span {
  readonly inputs: number;
  readonly outputs: number;
  /** What the inputs hold, by position: letters of the table, each with the position that it repeats. */
  readonly types: readonly string[];
  /** True when inputs that repeat are all required. */
  readonly isFull: boolean;
  readonly attributes: readonly AttributeForm[];
}

const LINES: ReadonlyMap<string, string> = new Map(
  FORMS.trim()
    .split("\n")
    .map((line) => [/^\w+/.exec(line)![0], line]),
);
const parsed = new Map<string, OperatorForm>();

/** The form of an operator in an operator set; undefined for those that are unknown. Counts hold in that set. */
export function operatorForm(op: string, opset: number): OperatorForm | undefined {
  const line = LINES.get(op);
  if (line === undefined) return undefined;
  const key = `${op}@${opset}`;
  const known = parsed.get(key);
  if (known) return known;
  const [head, inputs, outputs, types, attributes] = line.split(" | ") as [string, string, string, string, string];
  const form = {
    ...spanOf(head),
    inputs: countAt(inputs, opset),
    outputs: countAt(outputs, opset),
    types: types.match(/[a-z*]\d?/g) ?? [],
    isFull: types.endsWith("+"),
    attributes: attributes === "-" ? [] : attributes.split(" ").map(attributeOf),
  };
  parsed.set(key, form);
  return form;
}

/** "name:kind@since<until". */
function attributeOf(text: string): AttributeForm {
  const [, name, kind] = /^(\w+):(\w+)/.exec(text)! as unknown as [string, string, AttributeForm["kind"]];
  return { name, kind, ...spanOf(text) };
}

function spanOf(text: string): Span {
  const number = (pattern: RegExp, otherwise: number): number => Number(pattern.exec(text)?.[1] ?? otherwise);
  return { since: number(/@(\d+)/, 1), until: number(/<(\d+)/, Infinity) };
}

/** The last of "1 3@11" that holds in an operator set. */
function countAt(text: string, opset: number): number {
  const steps = text.split(" ").filter((step, at) => at === 0 || spanOf(step).since <= opset);
  const most = steps.at(-1)!.split("@")[0]!;
  return most === "∞" ? Infinity : Number(most);
}
