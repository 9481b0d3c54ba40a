/** @file Costs of a schedule, as text. */
import { unreadable } from "./text.js";

/** Times of every stage and of a message between neighbours. */
export interface CostRequest {
  readonly forwardMs: number;
  readonly inputGradMs: number;
  readonly weightGradMs: number;
  readonly sendMs: number;
}

/** `1,1,1` or `1,1,1,0.2`: ms of F, I, W and of one message. */
export function parseCosts(text: string): CostRequest {
  const numbers = text.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
  const [forwardMs, inputGradMs, weightGradMs, sendMs = 0] = numbers;
  const valid = (numbers.length === 3 || numbers.length === 4) && numbers.every((ms) => ms >= 0 && ms < Infinity);
  if (!valid) throw unreadable(text, "ms of F, I, W and, if wanted, of a message, such as 1,1,1 or 10,11,9,0.5");
  return { forwardMs: forwardMs!, inputGradMs: inputGradMs!, weightGradMs: weightGradMs!, sendMs };
}
