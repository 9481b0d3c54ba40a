/** @file How much of the machine other programs used meanwhile, so that disturbed rounds can be told from quiet ones. */
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Ticks of the kernel's accounts per ms. */
const TICKS_PER_MS = 0.1;

/** A round in which others used less of the machine is quiet. */
const QUIET_SHARE = 0.04;
const LEAST_QUIET = 3;

/** The rounds that were quiet, and those that count: the quiet ones, or all when there are fewer than three. */
export function quietRounds<T extends { readonly foreign: number | undefined }>(
  rounds: readonly T[],
): { readonly quiet: readonly T[]; readonly used: readonly T[] } {
  const quiet = rounds.filter(({ foreign }) => foreign !== undefined && foreign < QUIET_SHARE);
  return { quiet, used: quiet.length >= LEAST_QUIET ? quiet : rounds };
}

/** Measures one stretch of time; undefined where the system keeps no such accounts. */
export class ForeignLoad {
  readonly #startMs = performance.now();
  readonly #start = ticks();

  /** CPU time that others used since the start, as a share of all that there was. */
  get share(): number | undefined {
    const now = ticks();
    if (!now || !this.#start) return undefined;
    const others = now.all - this.#start.all - (now.own - this.#start.own);
    return Math.max(0, others) / (TICKS_PER_MS * (performance.now() - this.#startMs) * availableParallelism());
  }
}

/** Busy ticks of the whole machine, and those of this process and its descendants. */
function ticks(): { readonly all: number; readonly own: number } | undefined {
  if (process.platform !== "linux") return undefined;
  const [user, nice, system, , , irq, softirq] = readFileSync("/proc/stat", "utf8").split(/\s+/).slice(1).map(Number);
  return { all: user! + nice! + system! + irq! + softirq!, own: ownTicks() };
}

function ownTicks(): number {
  const parents = new Map<number, number>();
  const used = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? statOf(name) : undefined;
    if (!stat) continue;
    parents.set(Number(name), stat.parent);
    used.set(Number(name), stat.used);
  }
  const isOwn = (id: number | undefined): boolean => id !== undefined && (id === process.pid || isOwn(parents.get(id)));
  return [...used].reduce((sum, [id, own]) => sum + (isOwn(id) ? own : 0), 0);
}

/** Undefined for a process that ended meanwhile. Fields: proc(5). */
function statOf(process: string): { readonly parent: number; readonly used: number } | undefined {
  try {
    const text = readFileSync(`/proc/${process}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(fields[1]), used: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined;
  }
}
