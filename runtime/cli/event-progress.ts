/**
 * @file Progress for programs: one JSON object per line on stderr (NDJSON), for `--log-format ndjson`. The names of
 * events and members are part of the command line's contract; docs/reference/events.md lists them.
 */
import type { Clock } from "../env/env.js";
import type { Incumbent, Progress, TrainedStep, Tried } from "./progress.js";

/** Of the form of the events; the first event says it. */
const VERSION = 1;

/** Writes events, each with the ms since the first. */
export class EventLog {
  readonly #write: (text: string) => void;
  readonly #clock: Clock;
  readonly #startMs: number;

  constructor(write: (text: string) => void, clock: Clock, command: string, pipewright: string) {
    this.#write = write;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
    this.event("start", { version: VERSION, command, pipewright });
  }

  event(event: string, members: object): void {
    this.#write(`${JSON.stringify({ event, ms: this.#clock.nowMs() - this.#startMs, ...members })}\n`);
  }
}

/** Tells every phase, incumbent, attempt and step as an event. */
export class EventProgress implements Progress {
  readonly #log: EventLog;
  readonly #clock: Clock;
  readonly #names: readonly string[];
  readonly #isVerbose: boolean;
  #current: { readonly name: string; readonly startMs: number } | undefined;

  constructor(log: EventLog, clock: Clock, names: readonly string[], isVerbose: boolean) {
    this.#log = log;
    this.#clock = clock;
    this.#names = names;
    this.#isVerbose = isVerbose;
  }

  begin(phase: string): void {
    if (this.#current) this.end("");
    this.#current = { name: phase, startMs: this.#clock.nowMs() };
    this.#log.event("begin", { phase, number: this.#names.indexOf(phase) + 1, of: this.#names.length });
  }

  incumbent({ bottleneckMs, ...found }: Incumbent): void {
    this.#log.event("incumbent", { bottleneckMs: bottleneckMs === Infinity ? null : bottleneckMs, ...found });
  }

  tried({ stepMs, ...attempt }: Tried): void {
    this.#log.event("tried", { ...attempt, stepMs: stepMs ?? null });
  }

  step({ ms, gradNorm, ...done }: TrainedStep): void {
    this.#log.event("step", { ...done, stepMs: ms, gradNorm: gradNorm ?? null });
  }

  end(summary: string): void {
    if (!this.#current) return;
    const { name: phase, startMs } = this.#current;
    this.#current = undefined;
    this.#log.event("end", { phase, phaseMs: this.#clock.nowMs() - startMs, summary });
  }

  note(text: string): void {
    this.#log.event("note", { text });
  }

  detail(text: string): void {
    if (this.#isVerbose) this.#log.event("detail", { text });
  }

  clear(): void {
    // Whole lines only: nothing is half drawn.
  }
}
