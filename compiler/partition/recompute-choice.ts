/** @file Which blocks of a device run their forward pass again so that its memory suffices: time bought against memory. */
import type { Block, StageResources } from "./problem.js";

/** Of what a block stashes, the share that the workspace grows by where it runs again. */
const WORKSPACE_SHARE = 0.5;

/**
 * How many stashes of a block its device holds less when its forward pass runs again: all in flight, but for what the
 * backward pass takes meanwhile. Part of that finds room in a workspace whose peak is elsewhere: on two devices with the
 * demo's GPT, it grows by 0.36 and 0.45 of one stash. What a plan really holds is known when it is linked.
 */
export function stashesSaved(inFlight: number): number {
  return Math.max(0, inFlight - WORKSPACE_SHARE);
}

/** The rest: what its device still holds of a block that runs again, in stashes. */
export function stashesKept(inFlight: number): number {
  return inFlight - stashesSaved(inFlight);
}

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
  return chooseOfSorted(byPrice(offers), neededBytes);
}

/** Offers that save something, by rising price per byte. */
export function byPrice(offers: readonly AgainOffer[]): readonly AgainOffer[] {
  const useful = offers.filter(({ savesBytes }) => savesBytes > 0);
  return useful.sort((a, b) => a.ms * b.savesBytes - b.ms * a.savesBytes || a.block - b.block);
}

/** The same as `chooseAgain`. Requires: offers as `byPrice` gives them. */
export function chooseOfSorted(useful: readonly AgainOffer[], neededBytes: number): readonly AgainOffer[] | undefined {
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

/** What it takes and saves to run a block again on a stage. */
export function againOffer(
  { index, forwardMs, stashBytes }: Block,
  { speed, inFlight }: Pick<StageResources, "speed" | "inFlight">,
): AgainOffer {
  return { block: index, ms: forwardMs / speed, savesBytes: stashesSaved(inFlight) * stashBytes };
}
