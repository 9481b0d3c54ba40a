/** @file Devices that run weight gradients of others: the same bits whoever runs what, and a choice that pays. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { offersOf } from "../../compiler/plan/offers.js";
import type { Plan, PlanAction } from "../../compiler/plan/plan.js";
import { Device } from "../../runtime/device.js";
import type { Engine } from "../../runtime/engine/engine.js";
import { engineFor } from "../../runtime/engine/registry.js";
import type { Env, SharedMemory } from "../../runtime/env/env.js";
import { nodeEnv } from "../../runtime/env/node.js";
import { mlpLesson } from "../../models/lesson.js";
import type { PipelineMode } from "../../runtime/pipeline.js";
import { Pipeline } from "../../runtime/pipeline.js";
import { RowRun } from "../../runtime/executor.js";
import type { Layout, Region } from "../../runtime/layout.js";
import { layoutOf } from "../../runtime/layout.js";
import { Progress } from "../../runtime/progress.js";
import type { RowTimes } from "../../runtime/row-times.js";
import { StandIn } from "../../runtime/stand-in.js";
import { Laps } from "../../runtime/step-shares.js";
import { stepBatch } from "../../runtime/train.js";
import type { TinyModel, TinyOptions } from "../support/tiny-models.js";
import { ADAMW, compileTiny, TIED_GPT, TINY_MLP, TINY_RESNET } from "../support/tiny-models.js";
import type { TinyPlan } from "../support/training.js";
import { startWeights, withPlan } from "../support/training.js";
import type { WatchedEnv } from "../support/watched-workers.js";
import { isAlive, watchedEnv } from "../support/watched-workers.js";

/** A turn of a device: it stands in for another if it can, or runs the next action of its own row if that is ready. */
interface Turn {
  readonly device: number;
  readonly standsIn: boolean;
}

/** Devices of a plan in this thread. */
class Table {
  readonly env: Env;
  readonly tiny: TinyPlan;
  readonly layout: Layout;
  readonly memory: SharedMemory;
  readonly #engines: readonly Engine[];
  readonly #devices: readonly Device[];
  readonly #progress: Progress;
  readonly #views: (region: Region) => Uint8Array;

  private constructor(
    env: Env,
    tiny: TinyPlan,
    layout: Layout,
    memory: SharedMemory,
    engines: readonly Engine[],
    devices: readonly Device[],
  ) {
    this.env = env;
    this.tiny = tiny;
    this.layout = layout;
    this.memory = memory;
    this.#engines = engines;
    this.#devices = devices;
    const rowLengths = tiny.plan.rows.map((row) => row.length);
    this.#progress = new Progress(memory, layout, rowLengths);
    this.#views = ({ offset, length }) => memory.view(offset, length);
  }

  static async lay(env: Env, tiny: TinyPlan, model: TinyModel): Promise<Table> {
    const { plan, directory } = tiny;
    const layout = layoutOf(plan);
    const memory = env.memories.create(layout.bytes);
    const read = (file: string): Promise<Uint8Array> => env.files.read(`${directory}/${file}`);
    const engines = plan.devices.map(engineFor);
    const devices = await Promise.all(
      engines.map((engine, index) => Device.load(index, plan, layout, engine, memory, read)),
    );
    const table = new Table(env, tiny, layout, memory, engines, devices);
    for (const [name, { bytes }] of startWeights(model)) table.#views(layout.params.get(name)!).set(bytes);
    return table;
  }

  /** Runs a step in which the turns come again and again, until all rows are done. */
  async step(step: number, turns: readonly Turn[]): Promise<readonly RowTimes[]> {
    const { plan, dataset } = this.tiny;
    for (const [input, tensors] of await stepBatch(plan, dataset, step))
      for (const [index, bytes] of tensors.entries()) this.#views(this.layout.inputs.get(input)![index]!).set(bytes);
    for (const device of this.#devices) device.beginStep();
    const runs = this.#devices.map(
      (device, index) => new RowRun(plan, index, device, this.#progress, new Laps(this.env.clock, 0), step),
    );
    while (runs.some((run) => !run.isDone)) {
      for (const { device, standsIn } of turns) {
        const run = runs[device]!;
        if (standsIn) run.standIn(Infinity);
        else if (run.isReady) run.next();
      }
    }
    return runs.map((run) => run.finish({ update: step + 1 }));
  }

  get trained(): readonly Uint8Array[] {
    const { params, states } = this.layout;
    return [...params.values(), ...[...states.values()].flat()].map((region) => this.#views(region).slice());
  }

  clear(): void {
    for (const device of this.#devices) device.free();
    for (const engine of this.#engines) engine.close();
    this.memory.close();
  }
}

const CASES: readonly (readonly [string, TinyModel, TinyOptions])[] = [
  ["an MLP under zb-h2", TINY_MLP, { devices: 3, schedule: "zb-h2", microbatches: 6 }],
  ["a tied GPT under zb-v", TIED_GPT, { devices: 2, stagesPerDevice: 2, schedule: "zb-v", microbatches: 5 }],
  ["a ResNet under zb-h1", TINY_RESNET, { devices: 3, schedule: "zb-h1", microbatches: 6 }],
];
/** In the first one devices run only their own rows. */
const STEPS = 3;
/** Steps in which a device whose other core stops again and again stands in at least once. */
const MOST_STEPS = 500;

describe.each(CASES)("%s", (_, model, options) => {
  it("gives the same bits whoever runs the weight gradients", async () => {
    await withPlan(model, { ...options, optimizer: ADAMW }, async (tiny, env) => {
      const devices = tiny.plan.devices.length;
      const inTurn = Array.from({ length: devices }, (__, device): Turn => ({ device, standsIn: false }));
      const outcome = async (turns: readonly Turn[]) => {
        const table = await Table.lay(env, tiny, model);
        try {
          const rows: RowTimes[] = [];
          for (let step = 0; step < STEPS; step++) {
            const own = await table.step(step, turns);
            if (step === 0) expect(own.map(({ stoodIn: ran }) => ran.length)).toEqual(own.map(() => 0));
            rows.push(...own);
          }
          return { rows, trained: table.trained };
        } finally {
          table.clear();
        }
      };
      const expected = await outcome(inTurn);
      let stoodIn = 0;
      const turn = fc.record({ device: fc.nat(devices - 1), standsIn: fc.boolean() });
      await fc.assert(
        fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 12 }), async (turns) => {
          const { rows, trained } = await outcome([...turns, ...inTurn]);
          for (const [at, bytes] of trained.entries()) expect(Buffer.compare(bytes, expected.trained[at]!)).toBe(0);
          stoodIn += rows.reduce((sum, row) => sum + row.stoodIn.length, 0);
        }),
        { seed: 5, numRuns: 12 },
      );
      expect(stoodIn).toBeGreaterThan(20);
    });
  });
});

it.runIf(process.platform === "linux")(
  "happens between processes when a core is slow, with the same losses, once the first update has its memory",
  async () => {
    const lesson = mlpLesson({ batch: 32, inputs: 256, widths: [256, 256, 256, 256], classes: 8 });
    await withPlan(
      lesson,
      { schedule: "zb-h2", microbatches: 6, optimizer: ADAMW },
      async ({ directory, plan, dataset }) => {
        const losses = async (
          env: WatchedEnv,
          mode: PipelineMode,
          isEnough: (stoodIn: number, steps: number) => boolean,
        ) => {
          const pipeline = await Pipeline.start(env, directory, plan, mode);
          const found: string[] = [];
          const counts: number[] = [];
          let stoodIn = 0;
          try {
            for (const [parameter, { bytes }] of startWeights(lesson)) pipeline.writeParameter(parameter, bytes);
            while (!isEnough(stoodIn, found.length)) {
              const step = await pipeline.step(await stepBatch(plan, dataset, found.length), {
                update: found.length + 1,
              });
              found.push(step.losses.join(" "));
              counts.push(step.rows.reduce((sum, row) => sum + row.stoodIn.length, 0));
              stoodIn += counts.at(-1)!;
              for (const [device, { peakBytes }] of step.rows.entries())
                if (mode === "process")
                  expect(peakBytes).toBeLessThanOrEqual(plan.schedule.forecast.peakBytes[device]!);
            }
          } finally {
            await pipeline.close();
          }
          return { found, stoodIn, inFirst: counts[0] };
        };
        const watched = watchedEnv();
        let isStopped = false;
        const pulse = setInterval(() => {
          isStopped = !isStopped;
          if (watched.pids[1]) process.kill(watched.pids[1], isStopped ? "SIGSTOP" : "SIGCONT");
        }, 2);
        const endPulse = (): void => {
          clearInterval(pulse);
          for (const pid of watched.pids.filter(isAlive)) process.kill(pid, "SIGCONT");
        };
        const { found, stoodIn, inFirst } = await losses(watched, "process", (count, steps) => {
          const isEnough = count > 0 || steps === MOST_STEPS;
          if (isEnough) endPulse();
          return isEnough;
        }).finally(endPulse);
        expect(stoodIn).toBeGreaterThan(0);
        expect(inFirst).toBe(0);
        const alone = await losses(watchedEnv(), "inline", (_, steps) => steps === found.length);
        expect(found).toEqual(alone.found);
      },
    );
  },
);

it.runIf(process.platform === "linux")("is left out where devices share cores, with the same losses", async () => {
  const options = { schedule: "zb-h1", microbatches: 4, optimizer: ADAMW };
  await withPlan(TINY_MLP, options, async ({ directory, plan, dataset }, env) => {
    const outcome = async (cores: number) => {
      const pipeline = await Pipeline.start(env, directory, plan, "process", { cores });
      try {
        for (const [parameter, { bytes }] of startWeights(TINY_MLP)) pipeline.writeParameter(parameter, bytes);
        const losses: string[] = [];
        let stoodIn = 0;
        for (let step = 0; step < STEPS; step++) {
          const result = await pipeline.step(await stepBatch(plan, dataset, step), { update: step + 1 });
          losses.push(result.losses.join(" "));
          stoodIn += result.rows.reduce((sum, row) => sum + row.stoodIn.length, 0);
        }
        return { offers: pipeline.layout.offers.length, losses, stoodIn };
      } finally {
        await pipeline.close();
      }
    };
    const enough = await outcome(plan.devices.length);
    const shared = await outcome(plan.devices.length - 1);
    expect(enough.offers).toBe(offersOf(plan).length);
    expect(enough.offers).toBeGreaterThan(0);
    expect(shared).toEqual({ offers: 0, losses: enough.losses, stoodIn: 0 });
  });
});

describe("the choice", () => {
  let plan: Plan;
  let memory: SharedMemory;
  let progress: Progress;
  /** Two stages on each device; each phase takes 1 ms. The first device may run what the second offers. */
  beforeAll(async () => {
    const pins = [
      { nodes: "MatMul_3", stage: 0 },
      { nodes: "Add_4", stage: 1 },
      { nodes: "Add_7", stage: 1 },
      { nodes: "Relu_8", stage: 2 },
      { nodes: "head", stage: 2 },
    ];
    const options = { schedule: "zb-v", stagesPerDevice: 2, microbatches: 4, steering: { pins } };
    const compiled = await compileTiny(TINY_MLP, options);
    const stages = compiled.plan.stages.map((stage) => ({
      ...stage,
      forwardMs: 1,
      inputGradMs: 1,
      weightGradMs: 1,
      standIns: stage.device === 1 ? [0] : [],
    }));
    plan = { ...compiled.plan, stages, files: {} };
    const layout = layoutOf(plan);
    memory = nodeEnv().memories.create(layout.bytes);
    progress = new Progress(
      memory,
      layout,
      plan.rows.map((row) => row.length),
    );
  });
  afterAll(() => memory.close());

  /** What the first device claims when the second has done so many actions, as text. */
  function claimed(done: number, waitMs: number): string | undefined {
    progress.rewind(0);
    for (let count = 0; count < plan.rows[0]!.length; count++) progress.advance(0);
    for (let count = 0; count < done; count++) progress.advance(1);
    return text(new StandIn(plan, 0).claim(progress, 0, waitMs)?.action);
  }

  const text = (action: PlanAction | undefined): string | undefined =>
    action && `${action.phase}${action.stage}.${action.microbatch}`;

  it("is of a row like this one", () => {
    expect(plan.rows[1]!.slice(16).map(text).join(" ")).toBe("I2.2 W2.2 I1.2 I2.3 I1.3 W1.2 W2.3 W1.3");
  });

  it.each<readonly [number, string | undefined, string]>([
    [1, undefined, "nothing is ready"],
    [4, "W2.0", "it reads nothing of I2.0, which its device runs"],
    [20, "W2.3", "W1.2 is ready too and comes before it"],
    [21, "W2.3", "its device runs W1.2, which W1.3 needs"],
    [22, "W1.3", "its device runs W2.3"],
    [23, undefined, "W1.3 comes next"],
    [24, undefined, "the row is done"],
  ])("after %i actions is %s: %s", (...[done, expected]) => {
    expect(claimed(done, Infinity)).toBe(expected);
  });

  it("is nothing when the wait is short", () => {
    expect(claimed(20, 0.2)).toBeUndefined();
    expect(claimed(20, 0.3)).toBe("W2.3");
  });

  it("is another one when the best is taken, also before its device comes to what was taken", () => {
    expect(claimed(20, Infinity)).toBe("W2.3");
    const standIn = new StandIn(plan, 0);
    expect(text(standIn.claim(progress, 0, Infinity)?.action)).toBe("W1.2");
    expect(standIn.claim(progress, 0, Infinity)).toBeUndefined();
    progress.advance(1);
    const { number } = standIn.foreign.find(({ action }) => text(action) === "W1.2")!;
    expect(standIn.claim(progress, 0, Infinity)).toBeUndefined();
    progress.claims.finish(0, number);
    expect(text(standIn.claim(progress, 0, Infinity)?.action)).toBe("W1.3");
  });

  it("knows how long a wait may be: what is to run, half of the action under way", () => {
    progress.rewind(0);
    const standIn = new StandIn(plan, 0);
    const leftMs = (): number => standIn.leftMs(progress, 0, { device: 1, count: 3 });
    expect(leftMs()).toBe(2.5);
    progress.advance(1);
    expect(leftMs()).toBe(1.5);
    for (let count = 0; count < 2; count++) progress.advance(1);
    expect(leftMs()).toBe(0);
  });
});
