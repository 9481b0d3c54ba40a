/**
 * @file As few forward passes running again as fit, with the stages as they are. Goes by what linked plans hold: a
 * choice's kept bytes are known, but not how much the workspace grows with what runs again.
 */
import { stagesByDevice } from "../partition/evaluate.js";
import type { PartitionProblem } from "../partition/problem.js";
import type { AgainSet } from "./again-curve.js";
import type { Fitter, Fitting } from "./fitter.js";
import { stepMs } from "./placed.js";

/** Plans that are linked at most; the first ones are chosen by what they keep, the others by halves. */
const MOST_PLANS = 16;
const MOST_COUNTED = 4;

export interface LessAgainOptions {
  readonly fitter: Fitter;
  readonly problem: PartitionProblem;
  readonly isTimeUp: () => Promise<boolean>;
  /** The step of a plan that fits: one that takes as long is of no use. Left out: none is known. */
  readonly belowMs?: number;
}

/** A plan, with the price of memory on each device for which it runs again what it does. */
export interface Priced extends Fitting {
  /** By device, in ms per byte. */
  readonly prices: readonly number[];
}

/**
 * On all devices at once, sets of again-curve.ts between those that are known not to fit and those that fit are tried,
 * where the bytes that they keep let expect the first that fits. Where that leads nowhere, since what one device holds
 * depends on what runs again on the others, one device after the other runs less of everything again.
 * Ensures: the result keeps the limits; undefined where no plan is known and not even all forward passes running again
 * make these stages fit, or where none is faster than the one that is known.
 */
export async function lessAgain(
  stageOf: readonly number[],
  solver: string,
  { fitter, problem, isTimeUp, belowMs = Infinity }: LessAgainOptions,
): Promise<Priced | undefined> {
  if (fitter.draftMs({ ...problem, recompute: [] }, stageOf, solver) >= belowMs) return undefined;
  const curve = fitter.againCurve(stageOf);
  const choices = fitter.limits.map((_, device) => {
    const stages = stagesByDevice(problem).find(([stage]) => problem.stages[stage!]!.device === device);
    return stages ? curve.sets(stages) : [NOTHING];
  });
  const tries = new Tries(stageOf, solver, { fitter, problem, isTimeUp });
  const last = choices.map((sets) => sets.at(-1)!);
  if (belowMs === Infinity && !fitter.keeps(tries.link(last))) return undefined;
  await together(choices, tries, fitter.limits);
  if (!tries.sets && (await tries.goOn())) tries.link(last);
  if (tries.sets === last) await oneByOne(choices, tries);
  const { best } = tries;
  return best && best.placed.draft.timeline.makespanMs < belowMs ? best : undefined;
}

/** The plans of one cut so far. */
class Tries {
  readonly #stageOf: readonly number[];
  readonly #solver: string;
  readonly #options: LessAgainOptions;
  #count = 0;
  /** The fastest that fits, and by device what runs again in it. */
  best: Priced | undefined;
  sets: readonly AgainSet[] | undefined;

  constructor(stageOf: readonly number[], solver: string, options: LessAgainOptions) {
    this.#stageOf = stageOf;
    this.#solver = solver;
    this.#options = options;
  }

  keeps(plan: Fitting): boolean {
    return this.#options.fitter.keeps(plan);
  }

  async goOn(): Promise<boolean> {
    return this.#count < MOST_PLANS && !(await this.#options.isTimeUp());
  }

  link(sets: readonly AgainSet[]): Priced {
    const { fitter, problem } = this.#options;
    this.#count++;
    const again = sets.flatMap(({ blocks }) => blocks).sort((a, b) => a - b);
    const linked = fitter.relink({ ...problem, recompute: again }, this.#stageOf, this.#solver);
    const priced = { ...linked, prices: sets.map(({ msPerByte }) => msPerByte) };
    if (this.keeps(priced) && (!this.best || stepMs(priced.placed) < stepMs(this.best.placed)))
      [this.best, this.sets] = [priced, sets];
    return priced;
  }
}

type Limits = readonly (number | undefined)[];

async function together(choices: readonly (readonly AgainSet[])[], tries: Tries, limits: Limits): Promise<void> {
  const searches = choices.map((sets, device) => new SetSearch(sets, limits[device] ?? Infinity));
  while (await tries.goOn()) {
    const tried = searches.map((search) => search.next);
    const { heldBytes } = tries.link(tried);
    searches.forEach((search, device) => search.learn(tried[device]!, heldBytes[device]!));
    if (searches.some((search) => search.isHopeless)) return;
    if (searches.every((search, device) => search.isDone && search.next === tried[device])) return;
  }
}

/** Requires: the tries have a plan in which all runs again. */
async function oneByOne(choices: readonly (readonly AgainSet[])[], tries: Tries): Promise<void> {
  for (const [device, sets] of choices.entries())
    for (let [low, high] = [-1, sets.length - 1]; high - low > 1 && (await tries.goOn());) {
      const middle = Math.floor((low + high) / 2);
      if (tries.keeps(tries.link(tries.sets!.with(device, sets[middle]!)))) high = middle;
      else low = middle;
    }
}

const NOTHING: AgainSet = { blocks: [], ms: 0, keptBytes: 0, msPerByte: 0 };

/** Of the sets of one device, ascending by what runs again, the first that fits. */
class SetSearch {
  readonly #sets: readonly AgainSet[];
  readonly #limit: number;
  /** The largest set that is known not to fit, and the smallest that is known to fit or the last one. */
  #low = -1;
  #high: number;
  #isKnown = false;
  #tries = 0;
  /** What plans hold besides what is counted: of the last one. */
  #otherBytes: number | undefined;

  constructor(sets: readonly AgainSet[], limit: number) {
    this.#sets = sets;
    this.#limit = limit;
    this.#high = sets.length - 1;
  }

  get isDone(): boolean {
    return this.#high - this.#low === 1 && this.#isKnown;
  }

  get isHopeless(): boolean {
    return this.#low >= this.#high;
  }

  /** The set to try. */
  get next(): AgainSet {
    if (this.#otherBytes === undefined) return this.#sets[0]!;
    return this.#sets[this.isDone ? this.#high : this.#between()]!;
  }

  learn(set: AgainSet, heldBytes: number): void {
    const index = this.#sets.indexOf(set);
    this.#tries++;
    this.#otherBytes = heldBytes - set.keptBytes;
    if (heldBytes > this.#limit) this.#low = Math.max(this.#low, index);
    else if (index <= this.#high) {
      this.#high = index;
      this.#isKnown = true;
    }
  }

  #between(): number {
    const most = this.#isKnown ? this.#high - 1 : this.#high;
    if (this.#tries >= MOST_COUNTED) return Math.floor((this.#low + 1 + most) / 2);
    const first = this.#sets.findIndex(({ keptBytes }) => this.#otherBytes! + keptBytes <= this.#limit);
    return Math.max(this.#low + 1, first < 0 ? most : Math.min(first, most));
  }
}
