/** @file Notices workers that hang: those that could go on, have not answered, and make no progress for too long. */
import type { Plan } from "../compiler/plan/plan.js";
import type { Clock, SharedMemory } from "./env/env.js";
import type { Layout } from "./layout.js";
import type { Progress } from "./progress.js";
import { StandIn } from "./stand-in.js";

/** Looks this often within the time that a worker may stand still. */
const LOOKS = 4;
const LONGEST_PAUSE_MS = 1_000;

/** What was last seen of a worker that runs a step. */
interface Watched {
  readonly step: number;
  readonly onHang: (standstillMs: number) => void;
  sign: string;
  sinceMs: number;
}

/** Watches the workers of a run while they work. A worker that waits for others is never at fault. */
export class HangWatch {
  readonly #plan: Plan;
  readonly #clock: Clock;
  readonly #progress: Progress;
  readonly #limitMs: number;
  /** By device: words that count the slabs updated in this step. */
  readonly #markers: readonly (readonly Int32Array[])[];
  /** By device. */
  readonly #standIns: readonly StandIn[];
  readonly #watched = new Map<number, Watched>();
  #isLooking = false;

  /** `limitMs`: how long a worker may stand still. */
  constructor(plan: Plan, layout: Layout, memory: SharedMemory, progress: Progress, clock: Clock, limitMs: number) {
    this.#plan = plan;
    this.#clock = clock;
    this.#progress = progress;
    this.#limitMs = limitMs;
    this.#standIns = plan.devices.map((_, device) => new StandIn(plan, device, layout.offers));
    this.#markers = plan.devices.map((_, device) =>
      plan.stages.flatMap((stage) => {
        const arena = stage.device === device ? layout.arenas[stage.index] : undefined;
        return arena ? [memory.words(arena.marker.offset, 2)] : [];
      }),
    );
  }

  /** Watches a device in a step (0 is the first of the run) until the returned function is called. */
  begin(device: number, step: number, onHang: (standstillMs: number) => void): () => void {
    this.#watched.set(device, { step, onHang, sign: "", sinceMs: this.#clock.nowMs() });
    if (!this.#isLooking) void this.#look();
    return () => this.#watched.delete(device);
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    while (this.#watched.size > 0) {
      for (const [device, watched] of this.#watched) this.#judge(device, watched);
      await this.#clock.sleep(Math.min(this.#limitMs / LOOKS, LONGEST_PAUSE_MS));
    }
    this.#isLooking = false;
  }

  #judge(device: number, watched: Watched): void {
    const nowMs = this.#clock.nowMs();
    const sign = this.#signOf(device, watched.step);
    if (sign !== watched.sign) {
      watched.sign = sign;
      watched.sinceMs = nowMs;
    } else if (nowMs - watched.sinceMs > this.#limitMs) {
      this.#watched.delete(device);
      watched.onHang(nowMs - watched.sinceMs);
    }
  }

  /** Changes with every progress of the device, and with the time while it waits for others. */
  #signOf(device: number, step: number): string {
    const { claims } = this.#progress;
    const done = this.#progress.doneIn(step, device);
    const standIn = this.#standIns[device]!;
    const foreign = standIn.foreign.find(({ number }) => claims.holder(step, number) === device);
    if (foreign) return `${done} runs ${foreign.number}`;
    const next = this.#plan.rows[device]![done];
    const own = standIn.own(done);
    const holder = own && claims.holder(step, own.number);
    const isTaken = holder !== undefined && holder !== device;
    const mayGo = next
      ? !isTaken && next.waits.every((wait) => this.#progress.isReached(step, wait))
      : this.#progress.isRowsDone(step);
    if (!mayGo) return `waits at ${this.#clock.nowMs()}`;
    const slabs = this.#markers[device]!.map((marker) => Atomics.load(marker, 0));
    return `${done} ${slabs.join(" ")}`;
  }
}
