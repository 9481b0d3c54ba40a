/** @file Progress for people: one line per phase; on a terminal a bar with the time that is left. */
import { oneLine } from "../../compiler/names.js";
import type { Clock } from "../env/env.js";
import { formatMs, formatShare, significant } from "../report/format.js";
import type { Incumbent, Progress, TrainedStep, Tried } from "./progress.js";
import { renderBar, wrap } from "./render/table.js";
import type { Terminal } from "./terminal.js";

/** Least time between two drawings of one line. */
const REDRAW_MS = 80;
/** Least time between two lines of steps where nothing is redrawn. */
const STEP_LINE_MS = 1000;
const BAR_WIDTH = 10;
/** Where the time of a phase stands, if its summary is shorter. */
const SUMMARY_WIDTH = 50;

/** Draws the progress of the phases `names`. */
export class TerminalProgress implements Progress {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #names: readonly string[];
  readonly #isVerbose: boolean;
  #current: { readonly name: string; readonly startMs: number } | undefined;
  #drawnMs = -Infinity;
  #drawnWidth = 0;

  /** `names` are the phases that will come, for numbering and alignment. */
  constructor(terminal: Terminal, clock: Clock, names: readonly string[], isVerbose: boolean) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#names = names;
    this.#isVerbose = isVerbose;
  }

  begin(name: string): void {
    if (this.#current) this.end("");
    this.#current = { name, startMs: this.#clock.nowMs() };
    this.#drawnMs = -Infinity;
    if (this.#terminal.isInteractive) this.#draw(`${this.#head(name)} …`);
  }

  incumbent({ bottleneckMs, boundMs, gap, method }: Incumbent): void {
    const found = bottleneckMs === Infinity ? "nothing yet" : `${formatMs(bottleneckMs)} by ${method}`;
    const line = `${found}, bound ${formatMs(boundMs)}, gap ${formatShare(gap)}`;
    this.#redraw(() => `${this.#head(this.#current!.name)} ${line}`);
    this.detail(`  ${line}`);
  }

  tried({ schedule, status, stepMs }: Tried): void {
    this.detail(`  ${schedule}: ${status}${stepMs === undefined ? "" : `, step ${formatMs(stepMs)}`}`);
  }

  step(done: TrainedStep): void {
    const { step, steps } = done;
    const nowMs = this.#clock.nowMs();
    if (this.#isVerbose && !this.#terminal.isInteractive && nowMs - this.#drawnMs >= STEP_LINE_MS) {
      this.#drawnMs = nowMs;
      this.detail(`  step ${step}/${steps}  ${stepFacts(done)}`);
    }
    this.#redraw(() => {
      const elapsedMs = nowMs - this.#current!.startMs;
      const left = step < steps ? `  ${formatMs((elapsedMs / step) * (steps - step))} left` : "";
      return `${this.#head(this.#current!.name)} ${renderBar(step / steps, BAR_WIDTH)} ${step}/${steps}${left}  ${stepFacts(done)}`;
    });
  }

  end(summary: string): void {
    if (!this.#current) return;
    const { name, startMs } = this.#current;
    this.#current = undefined;
    this.clear();
    const head = `${this.#head(name)} `;
    const time = formatMs(this.#clock.nowMs() - startMs);
    const lines = [...wrap(oneLine(summary), this.#terminal.columns - head.length - time.length - 1)];
    const last = lines.pop()!;
    const rows = [...lines, `${last.padEnd(SUMMARY_WIDTH)} ${time}`];
    this.#terminal.note(rows.map((row, at) => `${at === 0 ? head : " ".repeat(head.length)}${row}\n`).join(""));
  }

  note(line: string): void {
    this.clear();
    this.#terminal.note(`${oneLine(line)}\n`);
  }

  detail(line: string): void {
    if (this.#isVerbose) this.note(line);
  }

  clear(): void {
    if (this.#drawnWidth > 0) this.#terminal.note(`\r${" ".repeat(this.#drawnWidth)}\r`);
    this.#drawnWidth = 0;
  }

  #head(name: string): string {
    const width = Math.max(...this.#names.map((known) => known.length));
    return `[${this.#names.indexOf(name) + 1}/${this.#names.length}] ${name.padEnd(width)} `;
  }

  /** Draws the line of the phase if it is one that lasts and is shown. */
  #redraw(line: () => string): void {
    const nowMs = this.#clock.nowMs();
    if (!this.#current || !this.#terminal.isInteractive || nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    this.#draw(line());
  }

  #draw(line: string): void {
    const text = oneLine(line).slice(0, this.#terminal.columns - 1);
    this.#terminal.note(`\r${text.padEnd(this.#drawnWidth)}`);
    this.#drawnWidth = text.length;
  }
}

/** "loss 1.23 8.10 ms 1975 samples/s lr 0.001 grad norm 0.5", what matters most first: the end may be cut off. */
function stepFacts({ loss, ms, samplesPerSecond, learningRate, gradNorm }: TrainedStep): string {
  const norm = gradNorm === undefined ? "" : ` grad norm ${significant(gradNorm)}`;
  return `loss ${significant(loss)} ${formatMs(ms)} ${significant(samplesPerSecond)} samples/s lr ${significant(learningRate)}${norm}`;
}
