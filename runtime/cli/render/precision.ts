/** @file What the user must know of a model in half precision: it trains in float32. */
import type { Conversion } from "../../../compiler/ir/half.js";

/** One sentence per half-precision type of the file. */
export function precisionNotes(conversions: readonly Conversion[] = []): readonly string[] {
  return conversions.map(({ from, parameters, inputs, casts }) => {
    const parts = [counted(parameters, "parameter"), counted(inputs, "input"), counted(casts, "cast")];
    const written = parameters > 0 ? `; trained weights are rounded to ${from} when they are written` : "";
    return `${from} trains in float32: ${parts.filter((part) => part !== "").join(", ")}${written}`;
  });
}

/** The same for `--json`; empty when the file has no half precision. */
export function precisionJson(conversions: readonly Conversion[] = []) {
  return conversions.map((conversion) => ({ ...conversion, to: "float32" }));
}

function counted(count: number, what: string): string {
  return count === 0 ? "" : `${count} ${what}${count === 1 ? "" : "s"}`;
}
