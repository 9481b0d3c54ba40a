/** @file All devices of a plan in the calling thread, taking turns: for tests, replay and the one-device reference. */
import { invariant } from "../compiler/errors.js";
import type { Plan } from "../compiler/plan/plan.js";
import type { DeviceSpec } from "../compiler/profile/profile.js";
import { Device } from "./device.js";
import type { Engine } from "./engine/engine.js";
import { engineFor } from "./engine/registry.js";
import type { Env, SharedMemory } from "./env/env.js";
import { RowRun } from "./executor.js";
import { layoutOf } from "./layout.js";
import { readPlainFile } from "./plain-file.js";
import { Progress } from "./progress.js";
import { Laps } from "./step-shares.js";
import type { DeviceOutcome, WorkerSet } from "./worker-set.js";

/**
 * Loads every device here. Same results as processes, bit for bit; no concurrency. `makeEngine` is asked for the engine
 * of each device.
 */
export async function startInline(
  env: Env,
  directory: string,
  plan: Plan,
  memory: SharedMemory,
  makeEngine: (device: DeviceSpec) => Engine = engineFor,
): Promise<WorkerSet> {
  const layout = layoutOf(plan);
  const read = (file: string): Promise<Uint8Array> => readPlainFile(env.files, directory, file);
  const engines: Engine[] = [];
  const devices: Device[] = [];
  const free = (): void => {
    for (const device of devices) device.free();
    for (const engine of engines) engine.close();
  };
  try {
    for (const [index, spec] of plan.devices.entries()) {
      const engine = makeEngine(spec);
      engines.push(engine);
      devices.push(await Device.load(index, plan, layout, engine, memory, read));
    }
  } catch (error) {
    free();
    throw error;
  }
  const rowLengths = plan.rows.map((row) => row.length);
  const progress = new Progress(memory, layout, rowLengths);
  return {
    engines: engines.map(({ version }) => version),
    run: (_, order) => {
      if (order.pull) for (const device of devices) device.pullState();
      for (const device of devices) device.beginStep();
      const runs = devices.map(
        (device, index) => new RowRun(plan, index, device, progress, new Laps(env.clock, order.sentMs), order.step),
      );
      takeTurns(runs);
      const outcomes = runs.map((run): DeviceOutcome => ({ kind: "done", times: run.finish(order.end) }));
      if (order.push) for (const device of devices) device.pushState();
      return Promise.resolve(outcomes);
    },
    replace: () => Promise.reject(new Error("internal: an inline device cannot be lost")),
    stop: () => {
      free();
      return Promise.resolve();
    },
  };
}

function takeTurns(runs: readonly RowRun[]): void {
  while (runs.some((run) => !run.isDone)) {
    let hasMoved = false;
    for (const run of runs) {
      while (run.isReady) {
        run.next();
        hasMoved = true;
      }
    }
    invariant(hasMoved, "the rows of the plan wait for each other");
  }
}
