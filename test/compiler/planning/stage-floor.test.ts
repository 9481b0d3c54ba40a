/** @file Floors of stages are below what linked stages keep and take, whatever the cut, the schedule and what runs again. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { enumerateIdeals, holds } from "../../../compiler/partition/ideals.js";
import { steered } from "../../../compiler/partition/steering.js";
import { LeastSlots } from "../../../compiler/plan/least-slots.js";
import type { Recompute } from "../../../compiler/planning/candidate.js";
import { ChainFloor } from "../../../compiler/planning/chain-floor.js";
import { shapeSubject } from "../../../compiler/planning/least-memory.js";
import { arrange } from "../../../compiler/planning/place.js";
import { placedAt } from "../../../compiler/planning/placed-cut.js";
import { StageFloors } from "../../../compiler/planning/stage-floor.js";
import { gptLesson, mlpLesson } from "../../../models/lesson.js";
import { ADAMW, compileTiny, TINY_RESNET, tinyCluster } from "../../support/tiny-models.js";

const MODELS = {
  "an MLP": mlpLesson({ batch: 40, inputs: 20, widths: [30, 12, 24], classes: 5 }),
  "tied GPT": gptLesson({ layers: 1, width: 8, heads: 2, sequence: 4, batch: 2, vocabulary: 7, tied: true }),
  "GPT of many words": gptLesson({ layers: 1, width: 8, heads: 2, sequence: 4, batch: 2, vocabulary: 300 }),
  ResNet: TINY_RESNET,
};
const ROUNDING = 1e-9;

it.each(
  (Object.keys(MODELS) as (keyof typeof MODELS)[]).flatMap((model) =>
    (["none", "all", "auto"] as const).map((recompute): [keyof typeof MODELS, Recompute] => [model, recompute]),
  ),
)("are below all linked stages: %s, %s run again", async (name, recompute) => {
  const { subject } = await compileTiny(MODELS[name], { optimizer: ADAMW });
  const cluster = tinyCluster(2);
  const candidates = (["1f1b", "zb-h1", "interleaved-1f1b", "zb-v"] as const).map((schedule) =>
    arrange(
      subject,
      { schedule, recompute, order: [0, 1] },
      { cluster, pipeline: { schedule, microbatches: 4 }, model: "direct" },
    ),
  );
  const { instance, nodeOf } = steered(candidates[0]!.problem);
  const { blocks } = candidates[0]!.problem.graph;
  const blockOf = new Map(blocks.flatMap(({ index, nodes }) => nodes.map((node) => [node, index] as const)));
  const lattice = (await enumerateIdeals(instance, 20_000, { cancelled: () => false, pause: async () => undefined }))!;
  const floors = new StageFloors(
    shapeSubject(subject, ADAMW),
    lattice,
    instance.size,
    (node) => nodeOf[blockOf.get(node)!]!,
  );
  const whole = lattice.count - 1;
  fc.assert(
    fc.property(
      fc.constantFrom(...candidates),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
      fc.subarray(blocks.map(({ index }) => index)),
      (arranged, places, again) => {
        const { schedule } = arranged;
        const ends: number[] = [];
        for (let stage = 0; stage + 1 < schedule.stages; stage++) {
          const { to } = floors.row(ends.at(-1) ?? 0);
          const inner = [...to].slice(1).filter((ideal) => ideal !== whole);
          fc.pre(inner.length > 0);
          ends.push(inner[Math.floor(places[stage]! * (inner.length - 1))]!);
        }
        ends.push(whole);
        const stageOf = Array.from(nodeOf, (v) => ends.findIndex((ideal) => holds(lattice, ideal, v)));
        const { linked } = placedAt(subject, arranged, { stageOf, again }, ADAMW);
        const slots = new LeastSlots(schedule);
        const floor = new ChainFloor({ floors, schedule, slots, isAgain: recompute !== "none", shares: [1, 1] });
        linked.parts.stages.forEach(({ peakBytes, workspaceBytes }, stage) => {
          const from = ends[stage - 1] ?? 0;
          const at = floors.row(from).to.indexOf(ends[stage]!);
          expect(floor.share(stage, from, at, Infinity, Infinity)).toBe(0);
          const { kept, work } = floor.floors(stage, from);
          expect(kept[at]!).toBeLessThanOrEqual(peakBytes - workspaceBytes);
          expect(kept[at]! + work[at]!).toBeLessThanOrEqual(peakBytes);
          if (recompute === "none") expect(work[at]!).toBeLessThanOrEqual(workspaceBytes);
        });
        const most = Math.max(...linked.heldBytes);
        expect(floor.rest(most, 1)[0]![0]!).toBeLessThanOrEqual(schedule.devices * (1 + ROUNDING));
        expect(floor.bound(1)).toBeLessThanOrEqual(most);
      },
    ),
    { numRuns: 20, seed: 5 },
  );
});
