/** @file What became of a candidate, for those who watch the search. */
import type { Certificate } from "../partition/problem.js";
import type { Candidate } from "./candidate.js";
import { isInfeasible } from "./infeasible.js";
import type { PlaceOptions } from "./place.js";
import { place } from "./place.js";
import type { Placed } from "./placed.js";
import type { PlanSubject } from "./subject.js";

/** "pruned": its bound or its draft rules it out. */
export interface Attempt {
  readonly candidate: Candidate;
  readonly status: Certificate["status"] | "infeasible" | "pruned";
  readonly makespanMs?: number;
  readonly placed?: Placed;
}

export type OnAttempt = (attempt: Attempt) => void;

/** A plan as an attempt. */
export function attemptOf(placed: Placed): Attempt {
  const { candidate, certificate, draft } = placed;
  return { candidate, status: certificate.status, makespanMs: draft.timeline.makespanMs, placed };
}

/** As `place`; those who watch are told of the plan, or that there is none. */
export async function placeNoted(
  subject: PlanSubject,
  candidate: Candidate,
  placing: PlaceOptions,
  onAttempt: OnAttempt,
): Promise<Placed | undefined> {
  try {
    const placed = await place(subject, candidate, placing);
    onAttempt(placed ? attemptOf(placed) : { candidate, status: "infeasible" });
    return placed;
  } catch (error) {
    if (isInfeasible(error)) onAttempt({ candidate, status: "infeasible" });
    throw error;
  }
}
