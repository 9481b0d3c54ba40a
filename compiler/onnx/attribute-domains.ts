/** @file What attributes of ai.onnx may hold, where that is less than their kind says. Source: ONNX's operator texts. */
import type { AttrValue } from "./attributes.js";

/** Integer attributes that are 0 or 1 in every operator that has them. */
const SWITCHES: ReadonlySet<string> = new Set(
  (
    "align_corners allowzero antialias ceil_mode center_point_box count_include_pad detect_negative detect_positive " +
    "exclude_outside exclusive fmod input_forget interleaved inverse is_causal keepdims largest layout " +
    "linear_before_reset new_axis noop_with_empty_axes onesided periodic reverse select_last_index sorted " +
    "storage_order training_mode transA transB upper"
  ).split(" "),
);

/** Words that an attribute can be, by its name or by operator and name. */
const WORDS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    auto_pad: "NOTSET SAME_UPPER SAME_LOWER VALID",
    keep_aspect_ratio_policy: "stretch not_larger not_smaller",
    nearest_mode: "round_prefer_floor round_prefer_ceil floor ceil",
    "Gelu.approximate": "none tanh",
    "RoiAlign.mode": "avg max",
    "TensorScatter.mode": "linear circular",
  }).map(([name, words]) => [name, words.split(" ")]),
);

/** Least numbers of an attribute, or of every number in it, in the same way. */
const LEAST: ReadonlyMap<string, number> = new Map(
  Object.entries({
    clip: 0,
    epsilon: 0,
    num_heads: 0,
    sample_size: 1,
    "Attention.scale": 0,
    "ConvTranspose.output_padding": 0,
    "ConvTranspose.output_shape": 1,
    "Dropout.ratio": 0,
    "GlobalLpPool.p": 1,
    "LpPool.p": 1,
    "RoiAlign.sampling_ratio": 0,
  }),
);

/** The same of numbers that must lie below one. */
const BELOW: ReadonlyMap<string, number> = new Map(Object.entries({ "Dropout.ratio": 1 }));

/** Attributes that name the type of floats that something inside is computed in. */
const PRECISIONS: ReadonlySet<string> = new Set(["softmax_precision", "stash_type"]);

/** float32, float16, float64, bfloat16. */
const STASH_TYPES: readonly AttrValue[] = [1, 10, 11, 16];

/** What is wrong with the attributes of an operator of ai.onnx; undefined when nothing is. Fill values may be NaN. */
export function attributeFault(op: string, attrs: ReadonlyMap<string, AttrValue>): string | undefined {
  for (const [name, value] of attrs) {
    const expected = expectation(op, name, value);
    if (expected !== undefined) return `attribute "${name}" is wrong; got ${shown(value)}, expected ${expected}`;
  }
  return undefined;
}

function expectation(op: string, name: string, value: AttrValue): string | undefined {
  const ruled = <T>(rules: ReadonlyMap<string, T>): T | undefined => rules.get(`${op}.${name}`) ?? rules.get(name);
  if (SWITCHES.has(name) && value !== 0 && value !== 1) return "0 or 1";
  if (PRECISIONS.has(name) && !STASH_TYPES.includes(value)) return "the element type of floats, such as 1";
  const words = ruled(WORDS);
  const isUnset = name === "auto_pad" && value === "";
  if (words && !isUnset && !words.includes(String(value))) return words.join(", ");
  const numbers: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (name !== "value" && numbers.some((number) => Number.isNaN(number))) return "a number";
  const [least, below] = [ruled(LEAST), ruled(BELOW)];
  if (least !== undefined && numbers.some((number) => Number(number) < least)) return `at least ${least}`;
  return below !== undefined && numbers.some((number) => Number(number) >= below) ? `less than ${below}` : undefined;
}

function shown(value: AttrValue): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return value.some((item) => Number.isNaN(item)) ? "NaN" : `[${value.join(",")}]`;
  return String(value);
}
