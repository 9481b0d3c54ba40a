/**
 * @file Patterns that choose parameters by name. `*` stands for any text and `@vectors` for all parameters with fewer
 * than two axes, such as biases and the scales of normalizations; `!` in front takes away what the rest matches.
 */
import { suggestion } from "../closest.js";
import { PipewrightError } from "../errors.js";
import { plainName } from "../names.js";
import { matchesPattern } from "../pattern.js";
import type { Value } from "./graph.js";

/** Matches by the number of axes, for files whose names say nothing. */
const VECTORS = "@vectors";
const SHOWN = 8;

/**
 * The candidates that the patterns choose, in their own order. Each pattern adds or takes away, one after another; a
 * list that begins with `!` begins with all candidates.
 * @param all Every parameter of the model: a pattern may take away what is no candidate anyway.
 * @param flag What gave the patterns, for messages.
 * @throws USAGE for a pattern that matches nothing.
 */
export function chooseParameters(
  candidates: readonly Value[],
  patterns: readonly string[],
  all: readonly Value[],
  flag: string,
): readonly Value[] {
  const chosen = new Set(patterns[0]?.startsWith("!") ? candidates : []);
  for (const pattern of patterns) {
    const isExclusion = pattern.startsWith("!");
    const wanted = isExclusion ? pattern.slice(1) : pattern;
    const matches = (isExclusion ? all : candidates).filter((value) => isMatch(value, wanted));
    if (matches.length === 0) throw matchesNothing(flag, pattern, candidates);
    for (const value of matches) {
      if (isExclusion) chosen.delete(value);
      else chosen.add(value);
    }
  }
  return candidates.filter((value) => chosen.has(value));
}

function isMatch({ name, type }: Value, pattern: string): boolean {
  return pattern === VECTORS ? type.shape.length < 2 : matchesPattern(name, pattern);
}

function matchesNothing(flag: string, pattern: string, candidates: readonly Value[]): PipewrightError {
  const known = candidates
    .slice(0, SHOWN)
    .map(({ name }) => plainName(name))
    .join(", ");
  const more = candidates.length > SHOWN ? ", …" : "";
  const hint = suggestion(
    pattern,
    candidates.map(({ name }) => name),
  );
  return new PipewrightError(
    "USAGE",
    `${flag} ${pattern}: matches no parameter; the model has ${known}${more}.${hint}`,
  );
}
