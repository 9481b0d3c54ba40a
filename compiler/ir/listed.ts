/** @file Lists that are as long as a file says. */
import { PipewrightError } from "../errors.js";

/** Lists of positions and sizes stand in the graph, which no model needs longer; JavaScript would end the process first. */
const MOST = 2 ** 24;

/** A list of `length` items. @throws LIMIT_EXCEEDED for more than 2^24. */
export function listed<T>(length: number, make: (at: number) => T): T[] {
  if (length <= MOST) return Array.from({ length }, (_, at) => make(at));
  throw new PipewrightError(
    "LIMIT_EXCEEDED",
    `list of positions: it is too long; got ${length} entries, expected at most ${MOST}. Use smaller sizes.`,
    { length },
  );
}
