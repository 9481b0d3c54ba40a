/** @file Cuts as chains of ideals, one for the end of each stage: all of them where there are few. */
import type { Contraction } from "../partition/contract.js";
import { violations } from "../partition/evaluate.js";
import type { Lattice } from "../partition/ideals.js";
import { holds } from "../partition/ideals.js";
import type { PartitionProblem } from "../partition/problem.js";
import { withoutLimits } from "./fit-memory.js";

/** The ideals where so many stages end, in every way; undefined for more than `most` ways. */
export function chainsOf(lattice: Lattice, stages: number, most: number): readonly (readonly number[])[] | undefined {
  const whole = lattice.count - 1;
  const known = new Map<number, readonly number[]>();
  const above = (from: number): readonly number[] => {
    const ideals = known.get(from) ?? idealsAbove(lattice, from);
    known.set(from, ideals);
    return ideals;
  };
  let chains: (readonly number[])[] = [[]];
  for (let stage = 0; stage + 1 < stages; stage++) {
    const next: (readonly number[])[] = [];
    for (const ends of chains) {
      for (const to of above(ends.at(-1) ?? 0)) if (to !== whole) next.push([...ends, to]);
      if (next.length > most) return undefined;
    }
    chains = next;
  }
  return chains.map((ends) => [...ends, whole]);
}

/** The cuts that chains stand for, each once, without those that are no partitions even if memory had no limits. */
export function cutsOf(
  chains: readonly (readonly number[])[],
  lattice: Lattice,
  { nodeOf }: Pick<Contraction, "nodeOf">,
  problem: PartitionProblem,
): readonly (readonly number[])[] {
  const free = withoutLimits(problem);
  const cuts = chains.map((ends) => Array.from(nodeOf, (v) => ends.findIndex((ideal) => holds(lattice, ideal, v))));
  const valid = cuts.filter((stageOf) => violations(free, stageOf).length === 0);
  return [...new Map(valid.map((stageOf) => [stageOf.join(), stageOf])).values()];
}

/** Those that hold an ideal and more, smaller ones first. */
function idealsAbove({ covers }: Lattice, from: number): readonly number[] {
  const found = new Set([from]);
  for (const ideal of found)
    for (let c = covers.start[ideal]!; c < covers.start[ideal + 1]!; c += 2) found.add(covers.entries[c + 1]!);
  found.delete(from);
  return [...found];
}
