/** @file Progress on stderr: one line per phase; on a terminal a bar with the time that is left. */
import type { Clock } from "../env/env.js";
import { formatMs } from "../report/format.js";
import { renderBar } from "./render/table.js";
import type { Terminal } from "./terminal.js";

/** Least time between two drawings of a bar. */
const REDRAW_MS = 80;
const BAR_WIDTH = 20;

/** The phases of one command, in order. Every method is silent under `--quiet`. */
export interface Progress {
  /** Ends the phase before, if it has not ended, and begins `name`. */
  begin(name: string): void;
  /** `done` of `total` parts of the phase are done. */
  update(done: number, total: number, note?: string): void;
  /** Ends the phase with a summary of what came out. */
  end(summary: string): void;
  /** A line that stays, for what the user must know. */
  note(line: string): void;
  /** Removes a half-drawn line, before an error is shown. */
  clear(): void;
}

/** Draws the progress of `phases` phases. */
export class TerminalProgress implements Progress {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #names: readonly string[];
  #current: { readonly name: string; readonly startMs: number } | undefined;
  #drawnMs = -Infinity;
  #drawnWidth = 0;

  /** `names` are the phases that will come, for numbering and alignment. */
  constructor(terminal: Terminal, clock: Clock, names: readonly string[]) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#names = names;
  }

  begin(name: string): void {
    if (this.#current) this.end("");
    this.#current = { name, startMs: this.#clock.nowMs() };
    this.#drawnMs = -Infinity;
    if (this.#terminal.isInteractive) this.#draw(`${this.#head(name)} …`);
  }

  update(done: number, total: number, note = ""): void {
    const nowMs = this.#clock.nowMs();
    if (!this.#current || !this.#terminal.isInteractive || nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    const elapsedMs = nowMs - this.#current.startMs;
    const left = done > 0 && done < total ? `  ${formatMs((elapsedMs / done) * (total - done))} left` : "";
    this.#draw(
      `${this.#head(this.#current.name)} ${renderBar(done / total, BAR_WIDTH)} ${done}/${total}${note && `  ${note}`}${left}`,
    );
  }

  end(summary: string): void {
    if (!this.#current) return;
    const { name, startMs } = this.#current;
    this.#current = undefined;
    this.clear();
    this.#terminal.note(`${this.#head(name)} ${summary.padEnd(50)} ${formatMs(this.#clock.nowMs() - startMs)}\n`);
  }

  note(line: string): void {
    this.clear();
    this.#terminal.note(`${line}\n`);
  }

  clear(): void {
    if (this.#drawnWidth > 0) this.#terminal.note(`\r${" ".repeat(this.#drawnWidth)}\r`);
    this.#drawnWidth = 0;
  }

  #head(name: string): string {
    const width = Math.max(...this.#names.map((known) => known.length));
    return `[${this.#names.indexOf(name) + 1}/${this.#names.length}] ${name.padEnd(width)} `;
  }

  #draw(line: string): void {
    const text = line.slice(0, this.#terminal.columns - 1);
    this.#terminal.note(`\r${text.padEnd(this.#drawnWidth)}`);
    this.#drawnWidth = text.length;
  }
}

/** Progress that nobody sees. */
export const SILENT: Progress = { begin: () => {}, update: () => {}, end: () => {}, note: () => {}, clear: () => {} };
