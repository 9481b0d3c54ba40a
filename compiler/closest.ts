/** @file Suggestions for mistyped names. */
import { plainName } from "./names.js";

/**
 * Number of insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
 * Source: the optimal string alignment form of Damerau 1964. Cost: |a|·|b|.
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replace = last[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      let best = Math.min(replace, last[column]! + 1, current[column - 1]! + 1);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        best = Math.min(best, beforeLast[column - 2]! + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}

/** Nobody types longer names, and comparing costs the product of the lengths. */
const MOST_LETTERS = 64;
/** Names that are looked at, in their order. */
const MOST_NAMES = 10_000;

/** The name nearest to `wanted`, if it is near enough to be a likely typing error: a third of the letters, at least one. */
export function closest(wanted: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  if (wanted.length > MOST_LETTERS) return undefined;
  let left = MOST_NAMES;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const name of names) {
    if (left-- === 0) break;
    if (Math.abs(wanted.length - name.length) >= bestDistance) continue;
    const distance = editDistance(wanted.toLowerCase(), name.toLowerCase());
    if (distance >= bestDistance) continue;
    best = name;
    bestDistance = distance;
  }
  return best;
}

/** " Did you mean x?" to append to a message, or "" when nothing is near. */
export function suggestion(wanted: string, names: Iterable<string>): string {
  const name = closest(wanted, names);
  return name === undefined ? "" : ` Did you mean ${plainName(name)}?`;
}
