/** @file How to train, as text: losses and values of symbolic dimensions. */
import type { LossSpec } from "../../../compiler/loss/spec.js";
import { parseLoss } from "../../../compiler/loss/spec.js";
import { pairs, unreadable, wholeNumber } from "./text.js";

/** Terms as compiler/loss/spec.ts reads them, joined by ";". The loss is their weighted sum. */
export function parseLosses(text: string): readonly LossSpec[] {
  return text.split(";").map((term) => parseLoss(term.trim()));
}

/** `batch=4,sequence=128`: sizes of symbolic dimensions. */
export function parseBind(text: string): ReadonlyMap<string, number> {
  const size = wholeNumber(1);
  return new Map([...pairs(text, "NAME=SIZE, such as batch=4")].map(([name, value]) => [name, size(value)]));
}

/** `image=1,3,224,224`, several joined by ";": whole shapes of inputs. */
export function parseInputShapes(text: string): ReadonlyMap<string, readonly number[]> {
  const size = wholeNumber(0);
  return new Map(
    text.split(";").map((part) => {
      const equals = part.lastIndexOf("=");
      if (equals < 1) throw unreadable(part, "NAME=SIZES, such as image=1,3,224,224");
      const sizes = part.slice(equals + 1);
      return [part.slice(0, equals).trim(), sizes === "" ? [] : sizes.split(",").map((entry) => size(entry.trim()))];
    }),
  );
}
