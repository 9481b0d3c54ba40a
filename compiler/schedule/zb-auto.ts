/**
 * @file The automatic zero-bubble schedule: built from measured times and a memory limit, one round per microbatch.
 * Qi et al. 2023 (arXiv 2401.10241), section 3.1; the rules follow sail-sg/zero-bubble's heuristic. With D activations
 * of memory per device the paper calls it ZB-1p, with 2·D ZB-2p. Of the 8 settings of its three switches the one with
 * the shortest span is kept. Unlike the paper's runtime, which takes the median of all devices, it uses the times and
 * the memory of each device.
 *
 * 1. Warm-up: Fs until the first I of a device can arrive, as far as memory allows, fewer on each device than on the
 *    one before.
 * 2. Each round: one F per device from the first to the last, then one I per device from the last to the first. Before
 *    each, Ws fill the time until it can start, and make room for it.
 * 3. The Ws that are left.
 */
import { PipewrightError } from "../errors.js";
import type { Action, Schedule } from "./action.js";
import type { ScheduleCosts } from "./costs.js";
import { checkCosts } from "./costs.js";
import type { ScheduleSize } from "./size.js";
import { checkSize, loopedPlacement } from "./size.js";

/** `capacity` per device, in the units of `costs.stash`. Transfers between neighbours count; others are ignored. */
export interface AutomaticOptions {
  readonly costs: ScheduleCosts;
  readonly capacity: readonly number[];
}

interface Switches {
  /** The last F of the warm-up may end after the first I could have started. */
  readonly mayDelayFirstI: boolean;
  /** A device that is two Fs ahead of the next may leave one out. */
  readonly mayLeaveOutF: boolean;
  /** A W may delay an F or I for less time than the worst device has idled so far. */
  readonly mayDelayByW: boolean;
}

/** @throws PLAN_INFEASIBLE if the memory does not hold one microbatch more than is in use, USAGE for bad sizes. */
export function automaticZeroBubble(size: ScheduleSize, options: AutomaticOptions): Schedule {
  checkSize("zb-auto", size, 1);
  checkCosts(size.devices, options.costs);
  const { devices, microbatches } = size;
  let best: Rounds | undefined;
  for (const mayDelayFirstI of [true, false])
    for (const mayLeaveOutF of [true, false])
      for (const mayDelayByW of [true, false]) {
        const rounds = new Rounds(size, options, { mayDelayFirstI, mayLeaveOutF, mayDelayByW });
        rounds.build();
        if (!best || rounds.spanMs() < best.spanMs()) best = rounds;
      }
  const placement = loopedPlacement(devices, 1);
  return { name: "zb-auto", devices, stages: devices, microbatches, placement, rows: best!.rows };
}

type SplitPhase = "F" | "I" | "W";

/** One attempt. State per device: how many of each phase are placed, when it is free, what it keeps, how long it idled. */
class Rounds {
  readonly rows: Action[][];
  private readonly devices: number;
  private readonly microbatches: number;
  private readonly options: AutomaticOptions;
  private readonly switches: Switches;
  private readonly endMs: Record<SplitPhase, number[][]>;
  private readonly freeMs: number[];
  private readonly kept: number[];
  private readonly idleMs: number[];

  constructor({ devices, microbatches }: ScheduleSize, options: AutomaticOptions, switches: Switches) {
    this.devices = devices;
    this.microbatches = microbatches;
    this.options = options;
    this.switches = switches;
    const perDevice = <T>(make: () => T) => Array.from({ length: devices }, make);
    this.rows = perDevice(() => []);
    this.endMs = { F: perDevice(() => []), I: perDevice(() => []), W: perDevice(() => []) };
    this.freeMs = perDevice(() => 0);
    this.kept = perDevice(() => 0);
    this.idleMs = perDevice(() => 0);
  }

  build(): void {
    this.warmUp();
    for (let round = 1; round < this.microbatches; round++) {
      const forwards = this.chooseForwards();
      for (let d = 0; d < this.devices; d++) if (forwards[d]) this.placeAfterWeights(d, "F");
      for (let d = this.devices - 1; d >= 0; d--) this.placeAfterWeights(d, "I");
    }
    for (let d = 0; d < this.devices; d++) while (this.count(d, "W") < this.microbatches) this.place(d, "W");
  }

  spanMs(): number {
    const { forwardMs } = this.options.costs;
    return Math.max(...this.endMs.W.map((ends, d) => ends.at(-1)! - (this.endMs.F[d]![0]! - forwardMs[d]!)));
  }

  private warmUp(): void {
    const last = this.devices - 1;
    for (let d = 0; d <= last; d++) this.place(d, "F");
    const more = new Array<number>(this.devices).fill(0);
    let firstI = this.endMs.F[last]![0]! + this.ms(last, "I");
    for (let d = last - 1; d >= 0; d--) {
      const arrival = firstI + this.latencyMs(d);
      let time = this.freeMs[d]!;
      let kept = this.kept[d]!;
      while (1 + more[d]! < this.microbatches && kept + this.stash(d, "F") <= this.capacity(d)) {
        if (this.switches.mayDelayFirstI ? time + this.ms(d, "F") > arrival : time >= arrival) break;
        kept += this.stash(d, "F");
        time += this.ms(d, "F");
        more[d]!++;
      }
      firstI = Math.max(time, arrival) + this.ms(d, "I");
    }
    for (let d = 1; d <= last; d++)
      while (more[d]! > 0 && more[d]! >= more[d - 1]! && 1 + more[d]! < this.microbatches) more[d]!--;
    for (let d = 0; d <= last; d++) for (let k = 0; k < more[d]!; k++) this.place(d, "F");
    for (let d = last; d >= 0; d--) this.place(d, "I");
  }

  /** Devices that run an F in this round; none does so unless the next one does, or has no F left. */
  private chooseForwards(): boolean[] {
    const chosen = Array.from(
      { length: this.devices },
      (_, d) => this.count(d, "F") < this.microbatches && this.wantsForward(d),
    );
    for (let d = this.devices - 2; d >= 0; d--) chosen[d] &&= chosen[d + 1]!;
    return chosen;
  }

  private wantsForward(d: number): boolean {
    if (!this.switches.mayLeaveOutF || d + 1 === this.devices || this.count(d, "F") < this.count(d + 1, "F") + 2)
      return true;
    const neededMs = this.freeMs[d + 1]! + this.ms(d + 1, "F") + this.ms(d + 1, "I") + this.latencyMs(d);
    if (this.freeMs[d]! >= neededMs) return false;
    let weightMs = 0;
    let kept = this.kept[d]! + this.stash(d, "F");
    for (let w = this.count(d, "W"); kept > this.capacity(d) && w < this.count(d, "I"); w++) {
      weightMs += this.ms(d, "W");
      kept += this.stash(d, "W");
    }
    if (this.freeMs[d]! + this.ms(d, "F") + weightMs <= neededMs) return true;
    return neededMs - this.freeMs[d]! > this.worstIdleMs() - this.idleMs[d]!;
  }

  /** Ws first: those that memory asks for, those that fit into the wait, and one that delays the action if it pays. */
  private placeAfterWeights(d: number, phase: "F" | "I"): void {
    const hasWeight = () => this.count(d, "W") < this.count(d, "I");
    while (this.kept[d]! + this.stash(d, phase) > this.capacity(d)) {
      if (!hasWeight()) this.refuseMemory(d);
      this.place(d, "W");
    }
    const arrival = this.arrivalMs(d, phase);
    if (arrival !== undefined) {
      while (hasWeight() && this.freeMs[d]! + this.ms(d, "W") <= arrival) this.place(d, "W");
      if (hasWeight() && this.freeMs[d]! < arrival) {
        const cheap = arrival - this.freeMs[d]! <= this.worstIdleMs() - this.idleMs[d]!;
        if (!cheap || this.switches.mayDelayByW) this.place(d, "W");
      }
    }
    if (phase === "I" && d === 0 && this.count(0, "F") === this.microbatches) while (hasWeight()) this.place(0, "W");
    this.place(d, phase);
  }

  private place(d: number, phase: SplitPhase): void {
    const ms = this.ms(d, phase);
    const unhindered = this.freeMs[d]! + ms;
    const arrival = this.arrivalMs(d, phase);
    const end = arrival === undefined ? unhindered : Math.max(unhindered, arrival + ms);
    if (this.count(d, "F") > 0) this.idleMs[d]! += end - unhindered;
    this.rows[d]!.push({ stage: d, phase, microbatch: this.count(d, phase) });
    this.endMs[phase][d]!.push(end);
    this.freeMs[d] = end;
    this.kept[d]! += this.stash(d, phase);
  }

  /** When the tensor from the neighbour is there; undefined if none is needed. */
  private arrivalMs(d: number, phase: SplitPhase): number | undefined {
    const neighbour = phase === "F" ? d - 1 : d + 1;
    if (phase === "W" || neighbour < 0 || neighbour === this.devices) return undefined;
    return this.endMs[phase][neighbour]![this.count(d, phase)]! + this.latencyMs(Math.min(d, neighbour));
  }

  private count(d: number, phase: SplitPhase): number {
    return this.endMs[phase][d]!.length;
  }

  private ms(d: number, phase: SplitPhase): number {
    const { forwardMs, inputGradMs, weightGradMs } = this.options.costs;
    return { F: forwardMs, I: inputGradMs, W: weightGradMs }[phase][d]!;
  }

  /** Between device d and d + 1, for a whole message. */
  private latencyMs(d: number): number {
    const transfer = this.options.costs.transfers?.find(({ from, to }) => from === d && to === d + 1);
    return transfer ? transfer.latencyMs + transfer.forwardMs : 0;
  }

  /** What an action adds to the stash of its device. */
  private stash(d: number, phase: SplitPhase): number {
    const whole = this.options.costs.stash?.forward[d] ?? 1;
    const late = this.options.costs.stash?.weight[d] ?? whole;
    return phase === "F" ? whole : phase === "I" ? late - whole : -late;
  }

  private capacity(d: number): number {
    return this.options.capacity[d]!;
  }

  private worstIdleMs(): number {
    return Math.max(0, ...this.idleMs);
  }

  private refuseMemory(d: number): never {
    throw new PipewrightError(
      "PLAN_INFEASIBLE",
      `schedule zb-auto: device ${d} cannot keep another activation; got capacity ${this.capacity(d)} expected at least ${this.kept[d]! + this.stash(d, "F")}. Give it more memory.`,
    );
  }
}
