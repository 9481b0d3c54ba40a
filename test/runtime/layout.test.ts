/** @file The shared memory of a run: every region by itself, aligned, inside; parameters inside their arena. */
import { describe, expect, it } from "vitest";
import type { Plan, TensorSpec } from "../../compiler/plan/plan.js";
import { ALIGNMENT_BYTES } from "../../runtime/engine/engine.js";
import type { Region } from "../../runtime/layout.js";
import { layoutOf } from "../../runtime/layout.js";
import { ADAMW, compileTiny, SGD, TIED_GPT, TINY_MLP, TINY_RESNET, TUNED } from "../support/tiny-models.js";

const planOf = async (...[model, options]: Parameters<typeof compileTiny>): Promise<Plan> => ({
  ...(await compileTiny(model, options)).plan,
  files: {},
});

/** Everything that must not overlap: arenas as wholes, not the parameters in them. */
function ownRegions(plan: Plan): Region[] {
  const { progress, claims, abort, inputs, results, arenas, params, squares, slots } = layoutOf(plan);
  const fixed = plan.parameters.filter(({ trainable }) => !trainable).map(({ name }) => params.get(name)!);
  return [
    ...progress.map((offset) => ({ offset, length: 8 })),
    claims,
    { offset: abort, length: 4 },
    ...[...inputs.values(), ...results.values(), ...slots.values()].flatMap((regions) => [...new Set(regions)]),
    ...arenas.flatMap((arena) =>
      arena ? [arena.params, arena.gradSums, ...arena.states, arena.marker, arena.undo] : [],
    ),
    ...fixed,
    ...(squares ? [squares] : []),
  ];
}

describe.each([
  ["a tied GPT under zb-h1 and AdamW", TIED_GPT, { devices: 3, schedule: "zb-h1", optimizer: ADAMW }],
  ["a ResNet with outputs under interleaved-1f1b", TINY_RESNET, { schedule: "interleaved-1f1b", withOutputs: true }],
  ["a ResNet in groups with clipped gradients", TINY_RESNET, { devices: 2, optimizer: TUNED }],
  ["an MLP on one device", TINY_MLP, { devices: 1, optimizer: SGD }],
] as const)("%s", (_, model, options) => {
  it("has disjoint regions, each on cache lines of its own", async () => {
    const plan = await planOf(model, options);
    const regions = ownRegions(plan).sort((a, b) => a.offset - b.offset);
    for (const [index, { offset, length }] of regions.entries()) {
      expect(offset % ALIGNMENT_BYTES).toBe(0);
      const next = regions[index + 1]?.offset ?? layoutOf(plan).bytes;
      expect(offset + Math.max(1, length)).toBeLessThanOrEqual(next);
    }
  });

  it("puts each trained parameter at the same place of every part of its arena", async () => {
    const plan = await planOf(model, options);
    const { arenas, params, gradSums, states } = layoutOf(plan);
    for (const { name, stage, trainable } of plan.parameters) {
      if (!trainable) continue;
      const arena = arenas[stage]!;
      const within = params.get(name)!.offset - arena.params.offset;
      expect(within % ALIGNMENT_BYTES).toBe(0);
      expect(within + params.get(name)!.length).toBeLessThanOrEqual(arena.params.length);
      expect(gradSums.get(name)!.offset - arena.gradSums.offset).toBe(within);
      expect(states.get(name)!.map(({ offset }, index) => offset - arena.states[index]!.offset)).toEqual(
        arena.states.map(() => within),
      );
    }
  });

  it("has a slot in the memory for what several devices may read, and for nothing else", async () => {
    const plan = await planOf(model, options);
    const offered = plan.stages
      .filter(({ standIns = [] }) => standIns.length > 0)
      .flatMap(({ programs }) => programs.find(({ kind }) => kind === "weight-grad")!.inputs);
    const shared = plan.slotGroups.flatMap(({ values, slots }) =>
      values
        .filter(({ name, shared: crosses }) => crosses || offered.some(({ tensor }) => tensor === name))
        .map(({ name }) => [name, slots] as const),
    );
    const { slots } = layoutOf(plan);
    expect([...slots].map(([name, regions]) => [name, regions.length])).toEqual(shared);
  });
});

it("gives tensors without elements places of their own", async () => {
  const plan = await planOf(TINY_MLP, { devices: 1 });
  const empty = (name: string): TensorSpec => ({ name, dtype: "float32", shape: [0] });
  const inputs = ["a", "b", "c"].map((name) => ({ ...empty(name), stages: [] }));
  const { inputs: regions } = layoutOf({ ...plan, inputs });
  const offsets = [...regions.values()].map(([region]) => region!.offset);
  expect(new Set(offsets).size).toBe(3);
});
