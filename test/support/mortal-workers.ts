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

/** Where a device dies: around action `action` of its row, around its update, or while it stands in for another. */
export interface Death {
  readonly device: number;
  /** The row's length stands for the update; a number of what it runs of other rows where `standsIn`. */
  readonly action: number;
  readonly standsIn?: boolean;
  /** The action ran, but nobody was told. */
  readonly isAfter: boolean;
}

/** Workers of which one may be made to die once. */
export interface MortalWorkers extends WorkerSet {
  /** Lets a device die in the next step. */
  doom(death: Death): void;
  /** What each device ran of other rows in the last step that was not lost. */
  readonly stoodIn: readonly number[];
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
  let stoodIn: number[] = [];
  const died = (device: number): DeviceOutcome => {
    death = undefined;
    return { kind: "lost", error: new PipewrightError("TRAINING_FAULT", `device ${device} died.`) };
  };
  return {
    engines: [],
    doom: (next) => void (death = next),
    get stoodIn() {
      return stoodIn;
    },
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
    stoodIn = plan.devices.map(() => 0);
    if (!order.isFinishOnly) {
      for (const device of pending) devices[device]!.beginStep();
      // Every second turn a device looks at other rows first, as if its own were late.
      for (let turn = 0, last = 0; turn - last < 2; turn++) {
        for (const [index, run] of runs.entries()) {
          if (outcomes[index]) continue;
          const hasMoved =
            turn % 2 === 0
              ? goOn(run, index, pending[index]!) || standIn(run, index, pending[index]!)
              : standIn(run, index, pending[index]!) || goOn(run, index, pending[index]!);
          if (hasMoved) last = turn;
        }
      }
    }
    return runs.map((run, index) => outcomes[index] ?? finish(run, pending[index]!, order));

    /** Runs the next action of a device's row, or lets it die there. Returns whether it was ready. */
    function goOn(run: RowRun, index: number, device: number): boolean {
      if (!run.isReady) return false;
      const isLast = isDoomed(device, done[index]!, false);
      if (isLast && death!.isAfter) devices[device]!.run(plan.rows[device]![done[index]!]!);
      if (isLast) outcomes[index] = died(device);
      else run.next();
      done[index]!++;
      return true;
    }

    /** Runs an action of another row on a device, or lets it die there. Returns whether there was one. */
    function standIn(run: RowRun, index: number, device: number): boolean {
      if (!isDoomed(device, stoodIn[device]!, true)) {
        const hasStoodIn = run.standIn(Infinity);
        if (hasStoodIn) stoodIn[device]!++;
        return hasStoodIn;
      }
      const offer = devices[device]!.standIn.claim(progress, order.step, Infinity);
      if (!offer) return false;
      if (death!.isAfter) devices[device]!.run(offer.action);
      outcomes[index] = died(device);
      return true;
    }
  }

  function isDoomed(device: number, action: number, standsIn: boolean): boolean {
    return death?.device === device && death.action === action && (death.standsIn ?? false) === standsIn;
  }

  function finish(run: RowRun, device: number, order: StepOrder): DeviceOutcome {
    const isLast = isDoomed(device, plan.rows[device]!.length, false);
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
