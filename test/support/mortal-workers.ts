/** @file Devices of a plan in this thread, one of which dies at a chosen point of a step: a death without chance or delay. */
import { PipewrightError } from "../../compiler/errors.js";
import type { Plan } from "../../compiler/plan/plan.js";
import { Device } from "../../runtime/device.js";
import { engineFor } from "../../runtime/engine/registry.js";
import type { Env, SharedMemory } from "../../runtime/env/env.js";
import { RowRun } from "../../runtime/executor.js";
import type { Layout } from "../../runtime/layout.js";
import { StepAborted } from "../../runtime/progress.js";
import type { Progress } from "../../runtime/progress.js";
import { Laps } from "../../runtime/step-shares.js";
import type { DeviceOutcome, WorkerSet } from "../../runtime/worker-set.js";
import type { StepOrder } from "../../runtime/worker-protocol.js";

/** Where a device dies: around action `action` of its row, or around its update. */
export interface Death {
  readonly device: number;
  /** The row's length stands for the update. */
  readonly action: number;
  /** The action ran, but nobody was told. */
  readonly isAfter: boolean;
}

/** Workers of which one may be made to die once. */
export interface MortalWorkers extends WorkerSet {
  /** Lets a device die in the next step. */
  doom(death: Death): void;
}

export async function startMortal(
  env: Env,
  directory: string,
  plan: Plan,
  layout: Layout,
  memory: SharedMemory,
  progress: Progress,
): Promise<MortalWorkers> {
  const read = (file: string): Promise<Uint8Array> => env.files.read(`${directory}/${file}`);
  const load = (device: number): Promise<Device> =>
    Device.load(device, plan, layout, engineFor(plan.devices[device]!), memory, read);
  const devices = await Promise.all(plan.devices.map((_, device) => load(device)));
  let death: Death | undefined;
  const died = (device: number): DeviceOutcome => {
    death = undefined;
    return { kind: "lost", error: new PipewrightError("TRAINING_FAULT", `device ${device} died.`) };
  };
  return {
    engines: [],
    doom: (next) => void (death = next),
    run: (pending, order) => Promise.resolve(runOnAll(pending, order)),
    replace: async (device) => {
      devices[device]!.free();
      devices[device] = await load(device);
    },
    stop: () => {
      for (const device of devices) device.free();
      return Promise.resolve();
    },
  };

  function runOnAll(pending: readonly number[], order: StepOrder): readonly DeviceOutcome[] {
    const runs = pending.map(
      (device) => new RowRun(plan, device, devices[device]!, progress, new Laps(env.clock, order.sentMs), order.step),
    );
    const outcomes: (DeviceOutcome | undefined)[] = pending.map(() => undefined);
    const done = pending.map(() => 0);
    if (!order.isFinishOnly) {
      for (const device of pending) devices[device]!.beginStep();
      for (let hasMoved = true; hasMoved;) {
        hasMoved = false;
        for (const [index, run] of runs.entries()) {
          const device = pending[index]!;
          while (!outcomes[index] && !run.isDone && run.isReady) {
            const isLast = death?.device === device && death.action === done[index];
            if (isLast && death!.isAfter) devices[device]!.run(plan.rows[device]![done[index]!]!);
            if (isLast) outcomes[index] = died(device);
            else run.next();
            done[index]!++;
            hasMoved = true;
          }
        }
      }
    }
    return runs.map((run, index) => outcomes[index] ?? finish(run, pending[index]!, order));
  }

  function finish(run: RowRun, device: number, order: StepOrder): DeviceOutcome {
    const isLast = death?.device === device && death.action === plan.rows[device]!.length;
    if (isLast && !death!.isAfter) return died(device);
    if (!progress.isRowsDone(order.step)) {
      progress.abort();
      try {
        run.finish(order.end);
      } catch (error) {
        if (error instanceof StepAborted) return { kind: "aborted" };
        throw error;
      }
    }
    const times = run.finish(order.end);
    return isLast ? died(device) : { kind: "done", times };
  }
}
