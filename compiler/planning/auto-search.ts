/**
 * @file The rounds of the outer search. Where memory is limited, what a plan costs is known only when it is linked, so
 * all candidates that may still be the best first get plans of quick cuts. The most promising ones are then cut with all
 * that the partitioner has. The best plan of a quick cut may stay the best: its order is searched as long as theirs.
 */
import type { OnAttempt } from "./attempt.js";
import { attemptOf } from "./attempt.js";
import type { Candidate } from "./candidate.js";
import { unlessInfeasible } from "./infeasible.js";
import type { PlaceOptions } from "./place.js";
import { place, placeQuickly, refined } from "./place.js";
import type { Placed } from "./placed.js";
import { stepMs } from "./placed.js";
import type { Sketch } from "./sketch.js";
import type { PlanSubject } from "./subject.js";

/** Plans that are made with everything the partitioner has, of each order of devices; candidates that fail after the first. */
const MOST_PLACED = 4;
const MOST_FAILED = 8;
/** Of candidates no quick cut of which fits. */
const MOST_UNLIKELY = 6;
/** A draft that takes longer than the best plan by this share is not worth a better cut. */
const HOPE = 0.25;
/** The same for the plan of a quick cut, and for a draft that is not worth such a plan. */
const HOPE_OF_PLANS = 0.1;
const HOPE_OF_FREE = 0.05;

/** The best plan of a search, or why there is none. */
export interface Found {
  readonly best: Placed | undefined;
  readonly failure: unknown;
}

/** Whether candidates get plans of quick cuts first; their sketches are then to be without limits. */
export function isLinkedFirst({ cluster, quick }: Pick<PlaceOptions, "cluster" | "quick">): boolean {
  return quick !== undefined && cluster.devices.some(({ memoryBytes }) => memoryBytes !== undefined);
}

/** Requires: sketches, the most promising ones first. Every candidate is told of once. */
export async function searchAll(
  subject: PlanSubject,
  sketches: readonly Sketch[],
  placing: PlaceOptions,
  onAttempt: OnAttempt,
): Promise<Found> {
  const { quick } = placing;
  const first =
    quick && isLinkedFirst(placing) ? await firstPlans(subject, sketches, { ...placing, quick }) : undefined;
  const starts = first ?? sketches.map((sketch): Start => ({ ...sketch, placed: undefined }));
  const hope = 1 + (first ? HOPE_OF_PLANS : HOPE);
  let best = fastest(starts.flatMap(({ placed }) => placed ?? []));
  let failure: unknown;
  const placedOf = new Map<string, number>();
  let failed = 0;
  let unlikely = 0;
  const fitting = new Set<string>();
  for (const start of starts) {
    const { candidate, makespanMs, boundMs, runsAgain } = start;
    const rest = best && stepMs(best) - best.updateMs;
    const isHopeless = rest !== undefined && (boundMs >= rest || makespanMs > rest * hope || (first && !start.placed));
    const isKnown = !runsAgain && fitting.has(shapeOf(candidate));
    if (makespanMs === Infinity) unlikely++;
    const order = candidate.order.join();
    const count = placedOf.get(order) ?? 0;
    const isEnough = count >= MOST_PLACED || failed >= MOST_FAILED;
    if (isHopeless || isKnown || unlikely > MOST_UNLIKELY || (best && (isEnough || (await placing.isTimeUp())))) {
      onAttempt(start.placed ? attemptOf(start.placed) : { candidate, status: "pruned", makespanMs });
      continue;
    }
    const placed = await unlessInfeasible(
      () => place(subject, candidate, placing),
      (error) => (failure = error),
    );
    const own = fastest([start.placed, placed].flatMap((plan) => plan ?? []));
    onAttempt(own ? attemptOf(own) : { candidate, status: "infeasible" });
    if (!placed) {
      if (best) failed++;
      continue;
    }
    placedOf.set(order, count + 1);
    if (!runsAgain) fitting.add(shapeOf(candidate));
    best = fastest(best ? [best, placed] : [placed]);
  }
  return { best, failure };
}

/** A sketch with the plan of its quick cut, if one was made and fits; `makespanMs` is that of the plan as first made. */
interface Start extends Sketch {
  readonly placed: Placed | undefined;
}

/** Plans of quick cuts, fastest first: of the candidates whose draft without limits leaves hope. */
async function firstPlans(
  subject: PlanSubject,
  sketches: readonly Sketch[],
  placing: PlaceOptions & Required<Pick<PlaceOptions, "quick">>,
): Promise<readonly Start[]> {
  let best: Placed | undefined;
  const starts: Start[] = [];
  for (const sketch of sketches) {
    const isHopeless = best && sketch.makespanMs > (stepMs(best) - best.updateMs) * (1 + HOPE_OF_FREE);
    if (isHopeless || (best && (await placing.isTimeUp()))) {
      starts.push({ ...sketch, placed: undefined });
      continue;
    }
    const placed = await unlessInfeasible(() => placeQuickly(subject, sketch.candidate, placing));
    const makespanMs = placed?.draft.timeline.makespanMs ?? Infinity;
    const runsAgain = placed ? placed.draft.cut.again.length > 0 : sketch.runsAgain;
    starts.push({ ...sketch, makespanMs, runsAgain, placed });
    best = fastest([best, placed].flatMap((own) => own ?? []));
  }
  const at = starts.findIndex(({ placed }) => placed && placed === best);
  if (best && !(await placing.isTimeUp())) starts[at] = { ...starts[at]!, placed: refined(subject, best, placing) };
  return starts.sort((a, b) => (a.makespanMs === b.makespanMs ? 0 : a.makespanMs - b.makespanMs));
}

function fastest(plans: readonly Placed[]): Placed | undefined {
  return plans.reduce<Placed | undefined>((best, own) => (best && stepMs(best) <= stepMs(own) ? best : own), undefined);
}

/** The same for candidates that differ in what runs again alone. */
function shapeOf({ schedule, stagesPerDevice, order }: Candidate): string {
  return JSON.stringify([schedule, stagesPerDevice, order]);
}
