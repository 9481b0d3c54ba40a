/** @file Costs of a schedule, as text: numbers for all stages, or the name of a file. */
import type { TimesFile } from "../../times-file.js";
import { LONGEST_MS } from "../../../compiler/schedule/costs.js";
import { unreadable } from "./text.js";

/** Times that are known, or the file that has them. */
export type CostRequest = TimesFile | { readonly file: string };

/** `1,1,1` or `1,1,1,0.2`: ms of F, I, W and of one message; anything else names a file. */
export function parseCosts(text: string): CostRequest {
  if (!/^([-+.\d][-+.\de]*)?,/i.test(text) && !/^[-+.\d]+$/.test(text)) return { file: text };
  const numbers = text.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  const [forwardMs, inputGradMs, weightGradMs, latencyMs = 0] = numbers;
  const valid = (numbers.length === 3 || numbers.length === 4) && numbers.every((ms) => ms >= 0 && ms <= LONGEST_MS);
  if (!valid)
    throw unreadable(text, "ms of F, I, W and, if wanted, of a message, such as 1,1,1 or 10,11,9,0.5, or a file");
  return { forwardMs: forwardMs!, inputGradMs: inputGradMs!, weightGradMs: weightGradMs!, latencyMs };
}
