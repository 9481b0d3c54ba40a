/** @file Attributes whose numbers mean one of two things, and numbers that mean nothing. Source: ONNX's operator texts. */
import type { AttrValue } from "./attributes.js";

/** Integer attributes of ai.onnx that are 0 or 1 in every operator that has them. */
const SWITCHES: ReadonlySet<string> = new Set(
  (
    "align_corners allowzero antialias ceil_mode center_point_box count_include_pad detect_negative detect_positive " +
    "exclude_outside exclusive fmod input_forget inverse is_causal keepdims largest layout linear_before_reset " +
    "noop_with_empty_axes onesided periodic select_last_index sorted storage_order training_mode transA transB upper"
  ).split(" "),
);

/** What is wrong with the attributes of an operator of ai.onnx; undefined when nothing is. Fill values may be NaN. */
export function attributeFault(attrs: ReadonlyMap<string, AttrValue>): string | undefined {
  for (const [name, value] of attrs) {
    if (SWITCHES.has(name) && value !== 0 && value !== 1)
      return `attribute "${name}" is wrong; got ${String(value)}, expected 0 or 1`;
    const numbers = Array.isArray(value) ? value : [value];
    if (name !== "value" && numbers.some((number) => Number.isNaN(number)))
      return `attribute "${name}" is wrong; got NaN, expected a number`;
  }
  return undefined;
}
