/** @file All devices of a plan in the calling thread, taking turns: for tests, replay and the one-device reference. */
import { invariant } from "../compiler/errors.js";
import type { Plan } from "../compiler/plan/plan.js";
import { Device } from "./device.js";
import { engineFor } from "./engine/registry.js";
import type { Env, SharedMemory } from "./env/env.js";
import { RowRun } from "./executor.js";
import { layoutOf } from "./layout.js";
import { Progress } from "./progress.js";
import type { WorkerSet } from "./worker-set.js";

/** Loads every device here. Same results as processes, bit for bit; no concurrency. */
export async function startInline(env: Env, directory: string, plan: Plan, memory: SharedMemory): Promise<WorkerSet> {
  const layout = layoutOf(plan);
  const read = (file: string): Promise<Uint8Array> => env.files.read(`${directory}/${file}`);
  const engines = plan.devices.map(engineFor);
  const devices = await Promise.all(
    engines.map((engine, index) => Device.load(index, plan, layout, engine, memory.bytes, read)),
  );
  const progress = new Progress(
    memory,
    layout.progress,
    plan.rows.map((row) => row.length),
  );
  const neverWaits = (): never => invariant(false, "an inline device waits although all others are done") as never;
  return {
    engines: engines.map(({ version }) => version),
    step: (order) => {
      if (order.pull) for (const device of devices) device.pullState();
      const runs = devices.map((device, index) => new RowRun(plan, index, device, progress, env.clock, order.step));
      takeTurns(runs, neverWaits);
      const rows = runs.map((run) => run.finish(order.end, neverWaits));
      if (order.push) for (const device of devices) device.pushState();
      return Promise.resolve(rows);
    },
    stop: () => {
      for (const device of devices) device.free();
      return Promise.resolve();
    },
  };
}

function takeTurns(runs: readonly RowRun[], check: () => void): void {
  while (runs.some((run) => !run.isDone)) {
    let hasMoved = false;
    for (const run of runs) {
      while (!run.isDone && run.isReady) {
        run.next(check);
        hasMoved = true;
      }
    }
    invariant(hasMoved, "the rows of the plan wait for each other");
  }
}
