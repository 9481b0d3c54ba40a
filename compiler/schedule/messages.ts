/** @file The messages between devices during a simulation, and the links they queue on. */
import type { Schedule } from "./action.js";
import type { Transfer } from "./costs.js";
import type { FlatSchedule } from "./flat.js";
import { ActionIndex, actionOf } from "./flat.js";

/** A message: `to` learns it `latencyMs` after it has held the link for `wireMs`. */
interface Port {
  readonly stage: number;
  readonly link: number;
  readonly wireMs: number;
  readonly latencyMs: number;
}

/** Each ordered pair of devices has one link that carries one message at a time, in the order of the sender's row. */
export class Messages {
  private readonly flat: FlatSchedule;
  private readonly index: ActionIndex;
  /** Per stage, what F and what B or I send. */
  private readonly forward: Port[][];
  private readonly backward: Port[][];
  private readonly linkFreeMs: Float64Array;

  constructor(schedule: Schedule, flat: FlatSchedule, transfers: readonly Transfer[]) {
    this.flat = flat;
    this.index = new ActionIndex(schedule);
    this.linkFreeMs = new Float64Array(flat.devices * flat.devices);
    this.forward = Array.from({ length: flat.stages }, () => []);
    this.backward = Array.from({ length: flat.stages }, () => []);
    for (const { from, to, latencyMs, gradLatencyMs = latencyMs, forwardMs, gradMs } of transfers) {
      const [a, b] = [schedule.placement[from]!, schedule.placement[to]!];
      if (a === b) continue;
      this.forward[from]!.push({ stage: to, link: a * flat.devices + b, wireMs: forwardMs, latencyMs });
      this.backward[to]!.push({ stage: from, link: b * flat.devices + a, wireMs: gradMs, latencyMs: gradLatencyMs });
    }
  }

  /** Adds to `missing` (per action id) the messages that each action awaits. */
  countArrivals(missing: Int32Array): void {
    for (let id = 0; id < this.flat.count; id++)
      for (const port of this.portsOf(id)) missing[this.receiver(id, port)]!++;
  }

  /** Sends what action `id`, ended at `endMs`, makes. Returns when its last message has left the wire. */
  send(id: number, endMs: number, arrive: (receiver: number, arrivalMs: number) => void): number {
    let last = endMs;
    for (const port of this.portsOf(id)) {
      const leftMs = Math.max(endMs, this.linkFreeMs[port.link]!) + port.wireMs;
      this.linkFreeMs[port.link] = leftMs;
      last = Math.max(last, leftMs);
      arrive(this.receiver(id, port), leftMs + port.latencyMs);
    }
    return last;
  }

  private portsOf(id: number): readonly Port[] {
    const phase = this.flat.phase[id]!;
    return phase === 3 ? [] : (phase === 0 ? this.forward : this.backward)[this.flat.stage[id]!]!;
  }

  private receiver(id: number, port: Port): number {
    const { microbatch } = actionOf(this.flat, id);
    if (this.flat.phase[id] === 0) return this.index.get({ stage: port.stage, phase: "F", microbatch });
    const phase = this.index.gradientPhase(port.stage, microbatch);
    return this.index.get({ stage: port.stage, phase, microbatch });
  }
}
