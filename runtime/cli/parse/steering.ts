/** @file What the user decides about the cut, as text. */
import { unreadable, wholeNumber } from "./text.js";

/** `encoder.*=0,head.*=1`: nodes, by name or pattern, and their stage. */
export function parsePins(text: string): readonly { readonly nodes: string; readonly stage: number }[] {
  const stage = wholeNumber(0);
  return text.split(",").map((part) => {
    const equals = part.lastIndexOf("=");
    const nodes = part.slice(0, equals).trim();
    if (equals < 1 || nodes === "") throw unreadable(part, "NODES=STAGE, such as encoder.*=0");
    return { nodes, stage: stage(part.slice(equals + 1).trim()) };
  });
}

/** `encoder.*,embed;head.*`: groups joined by ";", each of patterns joined by ",". */
export function parseGroups(text: string): readonly (readonly string[])[] {
  return text.split(";").map(parsePatterns);
}

/** Patterns joined by ",". */
export function parsePatterns(text: string): readonly string[] {
  const patterns = text.split(",").map((part) => part.trim());
  if (patterns.includes("")) throw unreadable(text, "names or patterns joined by commas, such as encoder.*");
  return patterns;
}

/** A number from 0 to 1. */
export function parseWeight(text: string): number {
  const weight = text.trim() === "" ? NaN : Number(text);
  if (weight >= 0 && weight <= 1) return weight;
  throw unreadable(text, "a number from 0 to 1");
}
