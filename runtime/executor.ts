/**
 * @file Runs one device's row of actions. Order and waits come from the plan; the one choice that is left is whether a
 * device that would wait runs a weight gradient of another, which changes no bit.
 */
import type { Plan, PlanAction, Wait } from "../compiler/plan/plan.js";
import type { Device } from "./device.js";
import type { Progress } from "./progress.js";
import type { RowTimes, StoodIn } from "./row-times.js";
import type { Laps } from "./step-shares.js";

/**
 * What a step does after its last action: the update that the optimizer makes in its step `update` (1 is the first), or
 * clear the gradient sums, or leave them as they are.
 */
export type StepEnd = { readonly update: number } | { readonly clear: true } | undefined;

/** One device's part of a step, action by action. */
export class RowRun {
  readonly #device: Device;
  readonly #index: number;
  readonly #row: readonly PlanAction[];
  readonly #progress: Progress;
  readonly #laps: Laps;
  readonly #step: number;
  readonly #startMs: Float64Array;
  readonly #endMs: Float64Array;
  readonly #stoodIn: StoodIn[] = [];
  readonly #allRows: readonly Wait[];
  #position = 0;

  /** `laps` begin with the order of the step. The way of the order took nothing from a row that has to wait anyway. */
  constructor(plan: Plan, index: number, device: Device, progress: Progress, laps: Laps, step: number) {
    this.#device = device;
    this.#index = index;
    this.#row = plan.rows[index]!;
    this.#progress = progress;
    this.#laps = laps;
    this.#step = step;
    this.#startMs = new Float64Array(this.#row.length);
    this.#endMs = new Float64Array(this.#row.length);
    this.#allRows = plan.rows.map((row, other) => ({ device: other, count: row.length }));
    laps.end(this.isReady ? "overhead" : "wait");
  }

  get isDone(): boolean {
    return this.#position === this.#row.length;
  }

  /** True when there is a next action, it has all it waits for, and no other device is running it. */
  get isReady(): boolean {
    if (this.isDone) return false;
    const offer = this.#device.standIn.own(this.#position);
    if (offer && this.#progress.claims.holder(this.#step, offer.number) !== undefined) return false;
    return this.#row[this.#position]!.waits.every((wait) => this.#progress.isReached(this.#step, wait));
  }

  /** Waits for the next action's inputs and runs it, or waits until a stand-in has. Requires: not done. @throws StepAborted. */
  next(): void {
    const action = this.#row[this.#position]!;
    const { standIn } = this.#device;
    for (const wait of action.waits)
      this.#progress.await(this.#step, wait, () => this.standIn(standIn.leftMs(this.#progress, this.#step, wait)));
    const offer = standIn.own(this.#position);
    if (!offer || this.#progress.claims.take(this.#step, offer.number, this.#index)) {
      this.#startMs[this.#position] = this.#laps.end("wait");
      this.#endMs[this.#position] = this.#run(action);
      if (offer) this.#progress.claims.finish(this.#step, offer.number);
    } else {
      this.#progress.awaitOffer(this.#step, offer.number, () => this.standIn(offer.ms / 2));
      this.#laps.end("wait");
    }
    this.#position++;
    if (this.isDone) this.#device.endRow();
    this.#progress.advance(this.#index);
    this.#laps.end("overhead");
  }

  /**
   * Runs an action of another row if that is better than to wait `waitMs`, and says whether it did. Not before the engine
   * has got the memory that the device's own programs need: others fit in there.
   */
  standIn(waitMs: number): boolean {
    if (!this.#device.hasRunAll) return false;
    const offer = this.#device.standIn.claim(this.#progress, this.#step, waitMs);
    if (!offer) return false;
    const { device, position, action, number } = offer;
    const startMs = this.#laps.end("wait");
    const endMs = this.#run(action);
    this.#progress.claims.finish(this.#step, number);
    this.#stoodIn.push({ device, position, startMs, endMs });
    return true;
  }

  /**
   * Ends the step, once every device has finished its row: until then no parameter changes, so a step that loses a
   * device can be run again from its begin. A loss or gradient norm that is not finite updates nothing either, so that
   * the parameters that made it can be looked at. Requires: the row of this device is done. @throws StepAborted.
   */
  finish(end: StepEnd): RowTimes {
    for (const wait of this.#allRows) this.#progress.await(this.#step, wait, () => this.standIn(Infinity));
    this.#laps.end("wait");
    if (end && "update" in end && this.#device.isStepFinite) this.#device.update(end.update);
    else if (end) this.#device.clearGradients();
    const updateEndMs = this.#laps.end("update");
    return {
      startMs: this.#startMs,
      endMs: this.#endMs,
      stoodIn: this.#stoodIn,
      updateEndMs,
      shares: this.#laps.shares,
      peakBytes: this.#device.peakBytes,
    };
  }

  /** Runs an action that has all it needs. Returns when it ended. */
  #run(action: PlanAction): number {
    if (this.#device.pull(action)) this.#laps.end("transfer");
    this.#device.run(action);
    const computedMs = this.#laps.end("compute");
    return this.#device.push(action) ? this.#laps.end("transfer") : computedMs;
  }
}
