/** @file Limits on models as text. */
import type { ModelLimits } from "../../../compiler/onnx/limits.js";
import { DEFAULT_LIMITS } from "../../../compiler/onnx/limits.js";
import { oneOf, pairs, wholeNumber } from "./text.js";

const NAMES = Object.keys(DEFAULT_LIMITS) as readonly (keyof ModelLimits)[];

/** `nodes=2000000,axes=100`: other values of limits than the default ones. @throws USAGE with all names. */
export function parseLimits(text: string): Partial<ModelLimits> {
  const value = wholeNumber(1);
  const given = [...pairs(text, "NAME=VALUE, such as nodes=2000000")].map(([name, number]) => [
    NAMES.find((own) => own === name) ?? oneOf(name, NAMES),
    value(number),
  ]);
  return Object.fromEntries(given) as Partial<ModelLimits>;
}
