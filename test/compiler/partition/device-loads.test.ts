/** @file The quick way to loads and memory gives what the whole evaluation gives. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { DeviceLoads } from "../../../compiler/partition/device-loads.js";
import { evaluate } from "../../../compiler/partition/evaluate.js";
import type { PartitionProblem } from "../../../compiler/partition/problem.js";
import { problems } from "./problems.js";

const MODELS = ["direct", "relay"] as const;
const AGAIN = [undefined, "auto", "all", [0, 2, 3]] as const;

it.each(MODELS.flatMap((model) => AGAIN.map((recompute) => [model, String(recompute ?? "none"), recompute] as const)))(
  "%s, with %s running again",
  (model, _, recompute) => {
    const shape = { maxBlocks: 8, maxStages: 5, unlikeStages: true, memory: true };
    const shared = fc.tuple(problems(shape), fc.integer({ min: 1, max: 3 }), fc.infiniteStream(fc.nat()));
    fc.assert(
      fc.property(shared, ([problem, devices, random]) => {
        const stages = problem.stages.map((stage, s) => ({
          ...stage,
          device: s % devices,
          ...(problem.stages[s % devices]!.memoryBytes === undefined
            ? {}
            : { memoryBytes: problem.stages[s % devices]!.memoryBytes }),
        }));
        const given =
          typeof recompute === "object" ? recompute.filter((v) => v < problem.graph.blocks.length) : recompute;
        const own: PartitionProblem = { ...problem, model, stages, ...(given && { recompute: given }) };
        const loads = new DeviceLoads(own);
        for (let round = 0; round < 3; round++) {
          const stageOf = own.graph.blocks.map(() => random.next().value % stages.length);
          loads.evaluate(stageOf);
          const { devices: expected } = evaluate(own, stageOf);
          expect([...loads.loadMs]).toEqual(expected.map(({ loadMs }) => loadMs));
          expect([...loads.peakBytes]).toEqual(expected.map(({ peakBytes }) => peakBytes));
          expect(loads.limits).toEqual(expected.map(({ memoryBytes = Infinity }) => memoryBytes));
        }
      }),
    );
  },
);
