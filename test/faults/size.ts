/** @file How much the fault tests do: a quick part in `npm test`, everything in `npm run test:faults`. */

/** True when everything is asked for. */
export const IS_WHOLE = process.env.FAULTS === "all";

/** The first in the quick part, the second in the whole. */
export function sized(quick: number, whole: number): number {
  return IS_WHOLE ? whole : quick;
}

/** Prints what was tried, as the record of the test. */
export function report(line: string): void {
  process.stderr.write(`faults: ${line}\n`);
}
