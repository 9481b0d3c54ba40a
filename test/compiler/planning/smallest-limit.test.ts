/** @file The limit that a refusal names is the smallest that any plan keeps: against all plans of small models, one by one. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { ClusterSpec } from "../../../compiler/cluster.js";
import { PipewrightError } from "../../../compiler/errors.js";
import { violations } from "../../../compiler/partition/evaluate.js";
import type { Candidate, Recompute } from "../../../compiler/planning/candidate.js";
import { withoutLimits } from "../../../compiler/planning/fit-memory.js";
import { allCandidates } from "../../../compiler/planning/least-plan.js";
import { arrange } from "../../../compiler/planning/place.js";
import { placedAt } from "../../../compiler/planning/placed-cut.js";
import type { PlanSubject } from "../../../compiler/planning/subject.js";
import { compileTiny, SGD, tinyCluster } from "../../support/tiny-models.js";
import type { RandomModel } from "./random-models.js";
import { randomModels } from "./random-models.js";

interface Request {
  readonly schedule: string;
  readonly recompute: Recompute;
  readonly microbatches: number;
  readonly shares: readonly number[];
}

interface Refusal {
  readonly smallestMemoryBytes: number;
  readonly boundMemoryBytes: number;
  readonly proven: boolean;
}

/** Of bytes in proportion to a share. */
const ROUNDING = 1e-12;

const limited = (shares: readonly number[]): ClusterSpec => {
  const { devices, link } = tinyCluster(shares.length);
  return { devices: devices.map((device, at) => ({ ...device, memoryBytes: shares[at]! })), link };
};

async function refusal(model: RandomModel, { shares, ...options }: Request): Promise<Refusal> {
  const error: unknown = await compileTiny(model, { ...options, cluster: limited(shares) }).catch((e: unknown) => e);
  if (!(error instanceof PipewrightError)) throw error;
  expect(error.code).toBe("PLAN_INFEASIBLE");
  return error.details as unknown as Refusal;
}

/** All stages that blocks can have, one list of numbers at a time. */
function* assignments(blocks: number, stages: number): Generator<readonly number[]> {
  const stageOf = new Array<number>(blocks).fill(0);
  for (;;) {
    yield [...stageOf];
    let at = 0;
    while (at < blocks && stageOf[at] === stages - 1) stageOf[at++] = 0;
    if (at === blocks) return;
    stageOf[at]!++;
  }
}

function subsets(count: number): readonly (readonly number[])[] {
  const all = Array.from({ length: count }, (_, block) => block);
  return Array.from({ length: 2 ** count }, (_, bits) => all.filter((block) => (bits >> block) & 1));
}

/** The same by linking every plan there is: of every order of devices, every cut, and every set of blocks that may run again. */
function smallest(subject: PlanSubject, { schedule, recompute, microbatches, shares }: Request): number {
  const cluster = limited(shares);
  const pipeline = { schedule, recompute, microbatches };
  const blocks = subject.blocks.graph.blocks.length;
  const given: Candidate = { schedule, recompute, order: shares.map((_, at) => at) };
  let least = Infinity;
  for (const candidate of schedule === "auto" ? allCandidates(subject, { cluster, pipeline }) : [given]) {
    const arranged = arrange(subject, candidate, { cluster, pipeline, model: "direct" });
    const free = withoutLimits(arranged.problem);
    for (const stageOf of assignments(blocks, free.stages.length)) {
      if (violations(free, stageOf).length > 0) continue;
      for (const again of recompute === "auto" ? subsets(blocks) : [[]]) {
        const { heldBytes } = placedAt(subject, arranged, { stageOf, again }, SGD);
        const filled = heldBytes.map((bytes, at) => bytes / shares[candidate.order[at]!]!);
        least = Math.min(least, Math.ceil(Math.max(...filled) * (1 - ROUNDING)));
      }
    }
  }
  return least;
}

const LINEAR = ["1f1b", "gpipe", "zb-h1", "eager-1f1b", "search"];
const SEVERAL = ["interleaved-1f1b", "1f1b-v", "zb-v", "v-min", "dualpipe-v"];
const COPIES = ["chimera", "dualpipe"];

it.each([
  ["none", LINEAR, 2, 4, 1],
  ["all", LINEAR, 2, 4, 1],
  ["auto", LINEAR, 1, 1, 1],
  ["none", SEVERAL, 1, 2, 1],
  ["all", SEVERAL, 1, 2, 1],
  ["auto", SEVERAL, 1, 1, 1],
  ["none", COPIES, 2, 4, 2],
  ["all", COPIES, 2, 4, 2],
  ["auto", COPIES, 1, 1, 2],
  ["none", ["auto"], 1, 2, 2],
  ["auto", ["auto"], 1, 1, 1],
] as const)(
  "is named for random models: %s run again, %s, %i to %i steps",
  async (recompute, schedules, least, most, numRuns) => {
    await fc.assert(
      fc.asyncProperty(randomModels(least, most), fc.constantFrom([1, 1], [1, 2], [1.5, 1]), async (model, shares) => {
        const { subject } = await compileTiny(model);
        for (const schedule of schedules) {
          const request = { schedule, recompute, microbatches: 4, shares };
          const exact = smallest(subject, request);
          const named = await refusal(model, request);
          expect([schedule, named.smallestMemoryBytes]).toEqual([schedule, exact]);
          expect(named.boundMemoryBytes).toBeLessThanOrEqual(exact);
          expect(named.proven).toBe(named.boundMemoryBytes === exact);
        }
      }),
      { numRuns, seed: 23 },
    );
  },
);
