/** @file Which blocks of a device run their forward pass again so that its memory suffices: time bought against memory. */

/** A block that may run again. */
export interface AgainOffer {
  readonly block: number;
  /** What running it again takes, per microbatch. */
  readonly ms: number;
  /** What its device then holds less. */
  readonly savesBytes: number;
}

/**
 * Offers by rising price per byte, until they save `neededBytes`; of the ones taken, dear ones that turn out to be
 * superfluous are given back. Undefined when all together do not save enough. The greedy rule for the knapsack problem
 * (Dantzig 1957): optimal but for the last block taken. O(n log n).
 */
export function chooseAgain(offers: readonly AgainOffer[], neededBytes: number): readonly AgainOffer[] | undefined {
  const useful = offers.filter(({ savesBytes }) => savesBytes > 0);
  useful.sort((a, b) => a.ms * b.savesBytes - b.ms * a.savesBytes || a.block - b.block);
  const taken: AgainOffer[] = [];
  let saved = 0;
  for (const offer of useful) {
    if (saved >= neededBytes) break;
    taken.push(offer);
    saved += offer.savesBytes;
  }
  if (saved < neededBytes) return undefined;
  const spare = [...taken].sort((a, b) => b.ms - a.ms || b.block - a.block);
  const given = new Set<AgainOffer>();
  for (const offer of spare) {
    if (saved - offer.savesBytes < neededBytes) continue;
    saved -= offer.savesBytes;
    given.add(offer);
  }
  return taken.filter((offer) => !given.has(offer));
}
