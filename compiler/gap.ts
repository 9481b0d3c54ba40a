/** @file How far something found is from the best that is possible, told the same way of partitions and of schedules. */

/**
 * (reached − bound) / reached: the share of what was reached that may be too much, as solvers of integer programmes
 * report it; 0 where nothing was to be done. Requires: 0 ≤ bound, up to rounding bound ≤ reached, in one unit.
 */
export function gapOf(reached: number, bound: number): number {
  return reached > 0 ? Math.max(0, (reached - bound) / reached) : 0;
}

/** Sums of the same times in another order differ by less than this share. */
const ROUNDING = 1e-9;

/** Whether a gap leaves nothing to win. A gap that an approximate solver proves has its own, wider limit. */
export function isClosed(gap: number): boolean {
  return gap < ROUNDING;
}
