/** @file Notices devices that are much slower than the plan says, compared with the other devices. */
import type { Plan } from "../compiler/plan/plan.js";
import { computeMs } from "../compiler/compute-ms.js";
import type { RowTimes } from "./row-times.js";
import { median } from "./median.js";

/** Steps over which a device is judged: single slow steps are no news. */
const WINDOW = 20;
/** A straggler takes this many times as long as planned, relative to the device that keeps closest to the plan. */
const LIMIT = 2;

/** Judges every `WINDOW` steps; each device is reported once. */
export class StragglerWatch {
  readonly #plan: Plan;
  readonly #plannedMs: readonly number[];
  readonly #found = new Map<number, string>();
  /** By device: measured over planned time, of the steps since the last judgement. */
  #slowdowns: number[][];

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#plannedMs = plan.devices.map((_, device) => plannedMs(plan, device));
    this.#slowdowns = plan.devices.map(() => []);
  }

  /** All stragglers so far, in sentences. */
  get found(): readonly string[] {
    return [...this.#found.values()];
  }

  /** Takes the times of a step, by device. Returns the stragglers that were not known before, in sentences. */
  add(rows: readonly RowTimes[]): readonly string[] {
    for (const [device, row] of rows.entries())
      this.#slowdowns[device]!.push(busyMs(row) / (this.#plannedMs[device] || Infinity));
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

  #sentence(device: number, factor: number): string {
    const stages = this.#plan.stages.filter((stage) => stage.device === device).map(({ index }) => index);
    const named = `stage${stages.length > 1 ? "s" : ""} ${stages.join(", ")}`;
    return `straggler: device ${device} (${named}) takes ${factor.toFixed(1)} times as long as planned, compared with the others; look for other work on its core, or measure the plan again`;
  }
}

/** Compute of one step on a device, as planned. */
function plannedMs({ stages, microbatches }: Plan, device: number): number {
  const own = stages.filter((stage) => stage.device === device);
  return own.reduce((sum, stage) => sum + computeMs(stage), 0) * microbatches;
}

function busyMs({ startMs, endMs }: RowTimes): number {
  return endMs.reduce((sum, end, position) => sum + end - startMs[position]!, 0);
}
