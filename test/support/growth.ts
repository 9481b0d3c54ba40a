/** @file How the processor time of a work grows with its size: a claim that holds on any machine, unlike a time. */

const ROUNDS = 5;
const TIMES = 4;

/**
 * How many times as long work of four times the size takes: 4 if it grows in proportion, 16 if with the square. The
 * shortest of five rounds each, in turns, so that what else the machine does counts for neither or both. Time of user
 * and system together is exact; how it is shared between them is a guess of the kernel's, by ticks of milliseconds.
 */
export function growthAtFourTimes(size: number, work: (size: number) => void): number {
  const best = [Infinity, Infinity];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, factor] of [1, TIMES].entries()) {
      const before = process.cpuUsage();
      work(size * factor);
      const { user, system } = process.cpuUsage(before);
      best[at] = Math.min(best[at]!, user + system);
    }
  }
  return best[1]! / best[0]!;
}
