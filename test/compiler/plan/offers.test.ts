/** @file Which weight gradients others may run: only where that can change no bit, and not before all they read is made. */
import { describe, expect, it } from "vitest";
import { offeredReads, offersOf } from "../../../compiler/plan/offers.js";
import type { Plan, PlanAction } from "../../../compiler/plan/plan.js";
import type { TinyOptions } from "../../support/tiny-models.js";
import { compileTiny, TIED_GPT, TINY_MLP, TINY_RESNET, tinyCluster } from "../../support/tiny-models.js";

const KIND_OF = { F: "forward", I: "input-grad", W: "weight-grad", B: "backward" } as const;

const planOf = async (...[model, options]: Parameters<typeof compileTiny>) => (await compileTiny(model, options)).plan;

/** Ports of an action. */
function portsOf({ stages }: Pick<Plan, "stages">, { stage, phase }: PlanAction) {
  const program = stages[stage]!.programs.find(({ kind }) => kind === KIND_OF[phase]);
  return { inputs: program?.inputs ?? [], outputs: program?.outputs ?? [] };
}

const CASES: readonly (readonly [string, typeof TINY_MLP, TinyOptions])[] = [
  ["an MLP under zb-h1", TINY_MLP, { devices: 2, schedule: "zb-h1" }],
  ["an MLP under zb-h2", TINY_MLP, { devices: 3, schedule: "zb-h2" }],
  ["a tied GPT under zb-v", TIED_GPT, { devices: 2, stagesPerDevice: 2, schedule: "zb-v" }],
  ["a ResNet under zb-h1", TINY_RESNET, { devices: 2, schedule: "zb-h1" }],
];

describe.each(CASES)("%s", (_, model, options) => {
  it("offers weight gradients of stages with stand-ins, each when all it reads is made", async () => {
    const plan = await planOf(model, options);
    const offers = offersOf(plan);
    expect(offers.length).toBeGreaterThan(0);
    for (const { device, position, action, standIns, needs } of offers) {
      expect(plan.rows[device]![position]).toBe(action);
      expect(action.phase).toBe("W");
      expect(standIns).not.toContain(device);
      const needed = needs.map((need) => plan.rows[need.device]![need.count - 1]!);
      for (const port of portsOf(plan, action).inputs) {
        const isMaker = (other: PlanAction): boolean =>
          port.at === "slot" && portsOf(plan, other).outputs.some(({ tensor }) => tensor === port.tensor);
        const makers = plan.rows.flat().filter((other) => other.microbatch === action.microbatch && isMaker(other));
        expect(makers.length).toBe(port.at === "slot" ? 1 : 0);
        for (const maker of makers) expect(needed).toContain(maker);
      }
      const before = plan.rows[device]!.slice(0, position).findLast(
        ({ stage, phase }) => stage === action.stage && phase === "W",
      );
      if (before && portsOf(plan, action).outputs.length > 0) expect(needed).toContain(before);
      for (const need of needs) if (need.device === device) expect(need.count).toBeLessThanOrEqual(position);
    }
  });

  it("lets others read what the offered programs read, and nothing else", async () => {
    const plan = await planOf(model, options);
    const read = offersOf(plan).flatMap(({ action }) => portsOf(plan, action).inputs);
    expect(offeredReads(plan, offersOf(plan))).toEqual(
      new Set(read.flatMap(({ at, tensor }) => (at === "slot" ? [tensor] : []))),
    );
  });
});

describe("nothing is offered", () => {
  it.each([
    ["whole backward passes", { schedule: "1f1b" }],
    ["one device", { devices: 1, schedule: "zb-h1" }],
    ["two copies of the model", { schedule: "dualpipe" }],
  ])("under %s", async (_, options) => {
    expect(offersOf(await planOf(TINY_MLP, options))).toEqual([]);
  });

  it("to devices of other kinds, or with other numbers of threads", async () => {
    const { devices, link } = tinyCluster(2);
    for (const other of [{ kind: "webgpu" as const }, { threads: 2 }]) {
      const cluster = { link, devices: [devices[0]!, { ...devices[1]!, ...other }] };
      expect(offersOf(await planOf(TINY_MLP, { cluster, schedule: "zb-h1" }))).toEqual([]);
    }
  });

  it("to devices whose memory has no room for it", async () => {
    const { devices, link } = tinyCluster(2);
    const free = await planOf(TIED_GPT, { cluster: { devices, link }, schedule: "zb-h1" });
    const least = await compileTiny(TIED_GPT, { cluster: { devices, link }, schedule: "zb-h1" });
    const limits = least.placed.heldBytes;
    const full = devices.map((device, at) => ({ ...device, memoryBytes: limits[at]! }));
    const plan = await planOf(TIED_GPT, { cluster: { devices: full, link }, schedule: "zb-h1" });
    expect(offersOf(free).length).toBeGreaterThan(0);
    expect(offersOf(plan)).toEqual([]);
    expect(plan.schedule.forecast.peakBytes).toEqual(limits);
  });

  it("that reads a parameter which forward passes replace", async () => {
    const plan = await planOf(TINY_MLP, { schedule: "zb-h1" });
    const [offer] = offersOf(plan);
    const { stage } = offer!.action;
    const state = { tensor: "state", at: "param", param: "state" } as const;
    const changed = plan.stages.map((own) =>
      own.index === stage
        ? {
            ...own,
            programs: own.programs.map((program) => {
              if (program.kind === "forward") return { ...program, outputs: [...program.outputs, state] };
              return program.kind === "weight-grad" ? { ...program, inputs: [...program.inputs, state] } : program;
            }),
          }
        : own,
    );
    expect(offersOf({ ...plan, stages: changed }).map(({ action }) => action.stage)).not.toContain(stage);
  });
});
