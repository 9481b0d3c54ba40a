/** @file Notices devices that are much slower than the plan says, compared with the other devices. */
import type { Plan } from "../compiler/plan/plan.js";
import { predictedMs } from "../compiler/plan/replay.js";
import { median } from "./median.js";
import type { RanAction, RowTimes } from "./row-times.js";
import { ranActions } from "./row-times.js";

/** Steps over which a device is judged: single slow steps are no news. */
const WINDOW = 20;
/** A straggler takes this many times as long as planned, relative to the device that keeps closest to the plan. */
const LIMIT = 2;

/** Judges every `WINDOW` steps; each device is reported once. */
export class StragglerWatch {
  readonly #plan: Plan;
  readonly #found = new Map<number, string>();
  /** By device: measured over planned time, of the steps since the last judgement. */
  #slowdowns: number[][];

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#slowdowns = plan.devices.map(() => []);
  }

  /** All stragglers so far, in sentences. */
  get found(): readonly string[] {
    return [...this.#found.values()];
  }

  /** Takes the times of a step, by device. Returns the stragglers that were not known before, in sentences. */
  add(rows: readonly RowTimes[]): readonly string[] {
    for (const [device, ran] of ranActions(this.#plan, rows).entries())
      this.#slowdowns[device]!.push(this.#slowdown(ran));
    if (this.#slowdowns[0]!.length < WINDOW) return [];
    const medians = this.#slowdowns.map(median);
    this.#slowdowns = this.#slowdowns.map(() => []);
    const least = Math.min(...medians.filter((slowdown) => slowdown > 0));
    return medians.flatMap((slowdown, device) => {
      if (!(slowdown > LIMIT * least) || this.#found.has(device)) return [];
      const sentence = this.#sentence(device, slowdown / least);
      this.#found.set(device, sentence);
      return [sentence];
    });
  }

  /** Time of what a device ran over the planned time of the same actions. */
  #slowdown(ran: readonly RanAction[]): number {
    const busyMs = ran.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
    const plannedMs = ran.reduce((sum, { action }) => sum + predictedMs(this.#plan, action), 0);
    return busyMs / (plannedMs || Infinity);
  }

  #sentence(device: number, factor: number): string {
    const stages = this.#plan.stages.filter((stage) => stage.device === device).map(({ index }) => index);
    const named = `stage${stages.length > 1 ? "s" : ""} ${stages.join(", ")}`;
    return `straggler: device ${device} (${named}) takes ${factor.toFixed(1)} times as long as planned, compared with the others; look for other work on its core, or measure the plan again`;
  }
}
