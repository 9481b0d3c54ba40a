/**
 * @file The least memory of a candidate of which nothing is known before its plans are linked, as of one that holds
 * several copies of the model: a device then has stages from several places, each of which another device has as well.
 * All plans are linked where there are few, else those that moving boundaries and blocks that run again lead to.
 */
import type { Interruption } from "../partition/interruption.js";
import { enumerateIdeals } from "../partition/ideals.js";
import { steered } from "../partition/steering.js";
import { stagesOfDevices, stagesPerReplica } from "../schedule/action.js";
import { AgainCurve } from "./again-curve.js";
import { chainsOf, cutsOf } from "./chains.js";
import type { CutPoint } from "./cut-space.js";
import type { ForwardValue } from "./kept-values.js";
import type { LinkedPlans } from "./linked-plans.js";
import { memoryShares, mostHeld } from "./memory-candidate.js";
import { descendMemory } from "./memory-descent.js";
import type { Arranged } from "./placed.js";

/** Plans that are all linked where a candidate has no more, and the same for cuts to start from. */
const MOST_POINTS = 1300;
/** Nodes that are linked before cuts are changed no more: about five seconds. */
const MOST_WORK = 500_000;
/** Those of cuts to start from. */
const MOST_START_WORK = 150_000;
/** Cuts whose boundaries are moved: those that need least. */
const MOST_DESCENTS = 12;
/** Cuts that a descent looks at. */
const MOST_CUTS = 300;
/** Ends of descents for which other sets of blocks run again, and nodes that are linked before no more are tried. */
const MOST_REFINED = 3;
const MOST_REFINED_WORK = 200_000;

export interface LinkedSearchOptions {
  readonly plans: LinkedPlans;
  /** Of the model. */
  readonly values: readonly ForwardValue[];
  readonly quickCuts: () => Promise<readonly (readonly number[])[]>;
  readonly interruption: Interruption;
}

/** A plan with what its devices hold. */
interface Point extends CutPoint {
  readonly heldBytes: readonly number[];
  /** Of the fullest device, in proportion to its limit. */
  readonly bytes: number;
}

/** Devices that hold the same parts of the model. */
interface Group {
  readonly parts: readonly number[];
  readonly devices: readonly number[];
}

export class LinkedSearch {
  readonly #arranged: Arranged;
  readonly #options: LinkedSearchOptions;
  readonly #shares: readonly number[];
  readonly #isAuto: boolean;
  readonly #blocks: readonly number[];

  constructor(arranged: Arranged, options: LinkedSearchOptions) {
    this.#arranged = arranged;
    this.#options = options;
    this.#shares = memoryShares(arranged);
    this.#isAuto = arranged.problem.recompute === "auto";
    this.#blocks = arranged.problem.graph.blocks.map(({ index }) => index);
  }

  /** Offers plans that need little. @returns whether these were all that the candidate has. */
  async run(): Promise<boolean> {
    const { plans } = this.#options;
    const cuts = await this.#fewCuts();
    const points = cuts.length * (this.#isAuto ? 2 ** this.#blocks.length : 1);
    if (points > 0 && points <= MOST_POINTS && points * plans.planWork <= MOST_WORK) return this.#linkAll(cuts);
    const isOver = this.#after(MOST_WORK);
    const starts = await this.#starts(cuts);
    const ends = new Map<string, Point>();
    for (const { stageOf } of starts.slice(0, MOST_DESCENTS)) {
      if (await isOver()) break;
      const to = await this.#descend(stageOf, isOver);
      ends.set(to.join(), this.#extreme(to));
    }
    if (this.#isAuto) await this.#refineAll([...ends.values()]);
    return false;
  }

  /** Whether there is enough, or so much was linked since. */
  #after(work: number): () => Promise<boolean> {
    const { plans } = this.#options;
    const end = plans.work + work;
    return async () => plans.work > end || plans.isEnough();
  }

  /** Quick cuts and these, those first that need least. */
  async #starts(cuts: readonly (readonly number[])[]): Promise<readonly Point[]> {
    const isOver = this.#after(MOST_START_WORK);
    const starts: Point[] = [];
    for (const stageOf of [...(await this.#options.quickCuts()), ...cuts]) {
      if (starts.length > 0 && (await isOver())) break;
      starts.push(this.#extreme(stageOf));
    }
    return starts.sort((a, b) => a.bytes - b.bytes);
  }

  /** Offers plans of these cuts with other sets of blocks running again. */
  async #refineAll(points: readonly Point[]): Promise<void> {
    const isOver = this.#after(MOST_REFINED_WORK);
    for (const point of points.toSorted((a, b) => a.bytes - b.bytes).slice(0, MOST_REFINED)) {
      if (await isOver()) return;
      await this.#flipped(this.#refined(point), isOver);
    }
  }

  /** All cuts, unless they are many. */
  async #fewCuts(): Promise<readonly (readonly number[])[]> {
    const { problem } = this.#arranged;
    const contraction = steered(problem);
    const lattice = await enumerateIdeals(contraction.instance, MOST_POINTS, this.#options.interruption);
    const chains = lattice && chainsOf(lattice, problem.stages.length, MOST_POINTS);
    return chains ? cutsOf(chains, lattice, contraction, problem) : [];
  }

  /** @returns false when it was ended before. */
  async #linkAll(cuts: readonly (readonly number[])[]): Promise<boolean> {
    const blocks = this.#blocks;
    for (const stageOf of cuts)
      for (let bits = 0; bits < (this.#isAuto ? 2 ** blocks.length : 1); bits++) {
        if (await this.#options.plans.isEnough()) return false;
        this.#point(
          stageOf,
          blocks.filter((block) => (bits >> block) & 1),
        );
      }
    return true;
  }

  #point(stageOf: readonly number[], again: readonly number[]): Point {
    const heldBytes = this.#options.plans.link(this.#arranged, { stageOf, again });
    return { stageOf, again, heldBytes, bytes: mostHeld(heldBytes, this.#shares) };
  }

  /** With nothing or, if it may, with all running again, whichever needs less. */
  #extreme(stageOf: readonly number[]): Point {
    const none = this.#point(stageOf, []);
    const all = this.#isAuto ? this.#point(stageOf, this.#blocks) : none;
    return all.bytes < none.bytes ? all : none;
  }

  /** Where moving the boundaries of a cut leads to. */
  async #descend(stageOf: readonly number[], isEnough: () => Promise<boolean>): Promise<readonly number[]> {
    const heldBytes = (cut: readonly number[]): readonly number[] => this.#extreme(cut).heldBytes;
    return descendMemory(this.#arranged.problem, stageOf, {
      shares: this.#shares,
      heldBytes,
      most: MOST_CUTS,
      isEnough,
    });
  }

  /** With that of several sets of blocks running again that leaves least, for devices that hold the same in turn. */
  #refined(point: Point): Point {
    const { problem, schedule } = this.#arranged;
    const curve = new AgainCurve(problem, point.stageOf, this.#options.values);
    let best = point;
    for (const { parts, devices } of groupsOf(schedule)) {
      const fullest = ({ heldBytes }: Point): number =>
        Math.max(...devices.map((device) => heldBytes[device]! / this.#shares[device]!));
      const others = best.again.filter((block) => !parts.includes(point.stageOf[block]!));
      for (const { blocks } of curve.fewSets(parts)) {
        const next = this.#point(point.stageOf, ascending([...others, ...blocks]));
        if (fullest(next) < fullest(best)) best = next;
      }
    }
    return best;
  }

  /** Moves single blocks to those that run again or from them, as long as the fullest device holds less for it. */
  async #flipped(point: Point, isEnough: () => Promise<boolean>): Promise<void> {
    let best = point;
    for (let isBetter = true; isBetter;) {
      isBetter = false;
      for (const block of this.#blocks) {
        if (await isEnough()) return;
        const { again } = best;
        const next = again.includes(block) ? again.filter((own) => own !== block) : ascending([...again, block]);
        const choice = this.#point(best.stageOf, next);
        if (choice.bytes >= best.bytes) continue;
        [best, isBetter] = [choice, true];
      }
    }
  }
}

function ascending(blocks: readonly number[]): readonly number[] {
  return blocks.toSorted((a, b) => a - b);
}

function groupsOf(schedule: Arranged["schedule"]): readonly Group[] {
  const each = stagesPerReplica(schedule);
  const groups = new Map<string, { readonly parts: readonly number[]; readonly devices: number[] }>();
  stagesOfDevices(schedule).forEach((stages, device) => {
    const parts = [...new Set(ascending(stages.map((stage) => stage % each)))];
    const group = groups.get(parts.join()) ?? { parts, devices: [] };
    groups.set(parts.join(), group);
    group.devices.push(device);
  });
  return [...groups.values()];
}
