/**
 * @file Runs a step to its end although workers die. All state lies in memory that the coordinator shares, and no
 * parameter changes before every device has finished its row. So a step that loses a worker in its rows is set back and
 * run again from its begin; one that loses a worker in its updates is only finished. Devices other than CPUs bring their
 * state to the shared memory at the end of each step: they can be set back, but their updates cannot be finished by others.
 */
import { PipewrightError } from "../compiler/errors.js";
import type { Plan } from "../compiler/plan/plan.js";
import type { SharedMemory } from "./env/env.js";
import type { RowTimes } from "./row-times.js";
import type { Layout, Region } from "./layout.js";
import { RegionViews } from "./region-views.js";
import type { Progress } from "./progress.js";
import type { DeviceOutcome, WorkerSet } from "./worker-set.js";
import type { StepOrder } from "./worker-protocol.js";

/** Told when a worker was lost and another took its place. */
export type OnRecovery = (recovery: {
  readonly step: number;
  readonly reason: string;
  readonly isReplayed: boolean;
}) => void;

/** Runs steps and replaces lost workers, as often as allowed. */
export class Recovery {
  readonly #layout: Layout;
  readonly #views: RegionViews;
  readonly #progress: Progress;
  readonly #workers: WorkerSet;
  readonly #devices: readonly number[];
  /** Parameters that forward runs replace, which a replay needs as they were. */
  readonly #states: readonly Region[];
  readonly #onRecovery: OnRecovery;
  readonly #isAllShared: boolean;
  #restartsLeft: number;

  constructor(
    plan: Plan,
    layout: Layout,
    memory: SharedMemory,
    progress: Progress,
    workers: WorkerSet,
    options: { readonly restarts: number; readonly onRecovery?: OnRecovery },
  ) {
    this.#layout = layout;
    this.#views = new RegionViews(memory);
    this.#progress = progress;
    this.#workers = workers;
    this.#devices = plan.devices.map((_, device) => device);
    this.#states = stateNames(plan).map((name) => layout.params.get(name)!);
    this.#isAllShared = plan.devices.every(({ kind }) => kind === "cpu");
    this.#restartsLeft = options.restarts;
    this.#onRecovery = options.onRecovery ?? (() => undefined);
  }

  /**
   * Runs one step on all devices.
   * Ensures: the same results as without losses, bit for bit.
   * @throws the TRAINING_FAULT of a lost worker when no restart is left, or when its state is lost with it.
   */
  async step(order: Omit<StepOrder, "isFinishOnly">): Promise<readonly RowTimes[]> {
    const before = this.#states.map((region) => this.#views.of(region).slice());
    const times = new Map<number, RowTimes>();
    let pending = this.#devices;
    let isFinishOnly = false;
    let { pull } = order;
    for (;;) {
      const outcomes = await this.#workers.run(pending, { ...order, pull, isFinishOnly });
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.kind === "done") times.set(pending[index]!, outcome.times);
      }
      const lost = outcomes.flatMap((outcome, index) =>
        outcome.kind === "lost" ? [{ ...outcome, device: pending[index]! }] : [],
      );
      if (lost.length === 0) return this.#devices.map((device) => times.get(device)!);
      isFinishOnly = this.#progress.isRowsDone(order.step);
      if (isFinishOnly && !this.#isAllShared) throw lost[0]!.error;
      pull = true;
      await this.#replace(lost, order.step, !isFinishOnly);
      if (isFinishOnly) {
        pending = pending.filter((device) => !times.has(device));
        this.#progress.resume();
      } else {
        times.clear();
        pending = this.#devices;
        this.#rewind(order.step, before);
      }
    }
  }

  async #replace(
    lost: readonly (DeviceOutcome & { kind: "lost"; device: number })[],
    step: number,
    isReplayed: boolean,
  ): Promise<void> {
    for (const { device, error } of lost) {
      await this.#replaceOne(device, error);
      this.#onRecovery({ step: step + 1, reason: error.message, isReplayed });
    }
  }

  /** Starts workers until one stays alive. */
  async #replaceOne(device: number, reason: Error): Promise<void> {
    for (let error = reason; ;) {
      if (this.#restartsLeft === 0) throw error;
      this.#restartsLeft--;
      try {
        await this.#workers.replace(device);
        return;
      } catch (failure) {
        if (!(failure instanceof PipewrightError)) throw failure;
        error = failure;
      }
    }
  }

  /** The shared memory as it was at the begin of the step. Requires: no device runs. */
  #rewind(step: number, before: readonly Uint8Array[]): void {
    for (const [index, region] of this.#states.entries()) this.#views.of(region).set(before[index]!);
    for (const region of this.#layout.gradSums.values()) this.#views.of(region).fill(0);
    this.#progress.rewind(step);
  }
}

function stateNames(plan: Plan): readonly string[] {
  const ports = plan.stages.flatMap(({ programs }) => programs.flatMap(({ outputs }) => outputs));
  return [...new Set(ports.flatMap((port) => (port.at === "param" ? [port.param] : [])))];
}
