/** @file What the readers of flag values share: refusing with a hint, and lists of `name=value`. */
import { suggestion } from "../../../compiler/closest.js";
import { PipewrightError } from "../../../compiler/errors.js";

/** The error of a value that cannot be read. The command line puts the flag's name in front. */
export function unreadable(text: string, expected: string): PipewrightError {
  return new PipewrightError("USAGE", `cannot read "${text}"; expected ${expected}.`);
}

/** One of `names`. @throws USAGE with all of them and the nearest. */
export function oneOf<T extends string>(text: string, names: readonly T[]): T {
  const found = names.find((name) => name === text.toLowerCase());
  if (found !== undefined) return found;
  throw new PipewrightError(
    "USAGE",
    `cannot read "${text}"; expected one of ${names.join(", ")}.${suggestion(text, names)}`,
  );
}

/** A whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number;
    throw unreadable(text, `a whole number of at least ${least}`);
  };
}

/** A finite number. */
export function finiteNumber(text: string): number {
  const number = text.trim() === "" ? NaN : Number(text);
  if (Number.isFinite(number)) return number;
  throw unreadable(text, "a number");
}

/**
 * `a=1,b=2` as pairs in order, split at the last "=" of each part, since ONNX names may hold one.
 * @throws USAGE for a part without name or value, or a name given twice.
 */
export function pairs(text: string, expected: string): ReadonlyMap<string, string> {
  const result = new Map<string, string>();
  for (const part of text.split(",")) {
    const equals = part.lastIndexOf("=");
    const name = part.slice(0, equals).trim();
    const value = part.slice(equals + 1).trim();
    if (equals < 1 || name === "" || value === "") throw unreadable(part, expected);
    if (result.has(name)) throw new PipewrightError("USAGE", `"${name}" is given twice; expected it once.`);
    result.set(name, value);
  }
  return result;
}
