/**
 * @file The least memory that a device can hold when some of its stages are known: parameters and programs as they are,
 * and of everything handed on as few slots as the schedule allows whatever the times. What a linked plan holds is never
 * less, and hardly more.
 */
import type { PartitionProblem } from "../partition/problem.js";
import type { LeastSlots } from "../plan/least-slots.js";
import type { ProgramKind } from "../plan/plan.js";
import type { ProgramMemory } from "../plan/workspace.js";
import { liveBytes, sharedBytes } from "../plan/workspace.js";
import type { Action, Phase, Schedule } from "../schedule/action.js";
import { splitStages } from "../schedule/action.js";
import type { ShapeTable, StageBlocks } from "./shape-table.js";
import { nodesIn } from "./shape-table.js";
import type { ShapeRing, StageShape } from "./stage-shape.js";

/** What runs again on a device. */
export interface DeviceChoice {
  readonly again: readonly number[];
  readonly heldBytes: number;
}

/** What a stage keeps, and what its programs take while they run. */
export interface LooseMemory {
  readonly keptBytes: number;
  readonly workBytes: number;
}

/** A stage that is linked with what runs again on it. */
interface Held {
  readonly stage: number;
  readonly bytes: number;
  readonly shape: StageShape;
}

/** The slots that values have. */
type Slots = Pick<LeastSlots, "of">;

/** What a stage is taken to be: what it is at least, or what is likely. */
type Guess = "least" | "likely";

export interface DeviceMemoryOptions {
  readonly problem: PartitionProblem;
  readonly shapes: ShapeTable;
  readonly slots: Slots;
  /** What they are likely to be. */
  readonly likelySlots: Slots;
  /** Of one copy of the model. */
  readonly schedule: Schedule;
  /** Told how many nodes were laid out in memory. */
  readonly onWork: (nodes: number) => void;
}

/** Blocks of a device of which any may run again, for all sets of them to be tried. */
const MOST_BLOCKS = 6;

export class DeviceMemory {
  readonly #options: DeviceMemoryOptions;
  readonly #isSplit: readonly boolean[];
  readonly #loose = new Map<string, LooseMemory>();
  readonly #whole = new Map<string, readonly OpenChoice[]>();
  readonly #extreme = new Map<string, DeviceChoice>();

  constructor(options: DeviceMemoryOptions) {
    this.#options = options;
    this.#isSplit = splitStages(options.schedule);
  }

  /** What a stage adds to its device at least; nothing where some of it may run again, which the floors of stages bound. */
  loose(own: StageBlocks): LooseMemory {
    const { recompute } = this.#options.problem;
    if (recompute === "auto") return { keptBytes: 0, workBytes: 0 };
    const key = `${own.stage} ${own.key}`;
    let known = this.#loose.get(key);
    if (!known) {
      const held = this.#held(own, recompute === "all" ? own.blocks : [], "least");
      known = {
        keptBytes: Math.min(...held.map(({ bytes }) => bytes)),
        workBytes: Math.min(...held.map(({ shape: { programs } }) => liveBytes(programs))),
      };
      this.#loose.set(key, known);
    }
    return known;
  }

  /** Whether all that may run again on a device that holds exactly these stages can be tried. */
  isCountable(stages: readonly StageBlocks[]): boolean {
    const blocks = stages.reduce((sum, own) => sum + own.blocks.length, 0);
    return this.#options.problem.recompute !== "auto" || blocks <= MOST_BLOCKS;
  }

  /** What can run again on it so that it may keep the limit. Requires: it can be tried. */
  choices(stages: readonly StageBlocks[], limit: number): readonly DeviceChoice[] {
    const key = stages.map((own) => `${own.stage} ${own.key}`).join(" ");
    let known = this.#whole.get(key);
    if (!known) {
      known = this.#setsOf(stages).map((again) => this.#open(stages, again, "least"));
      this.#whole.set(key, known);
    }
    return known.filter((choice) => choice.mayKeep(limit));
  }

  /**
   * What a device that holds exactly these stages holds with nothing or with all running again, if it may: as told, else
   * the better of both. No bound: slots are as is likely, and what reads its results elsewhere is taken to run again.
   */
  extreme(stages: readonly StageBlocks[], isAgain?: boolean): DeviceChoice {
    const key = `${isAgain} ${stages.map((own) => `${own.stage} ${own.key}`).join(" ")}`;
    let known = this.#extreme.get(key);
    if (!known) {
      const { recompute } = this.#options.problem;
      const blocks = stages.flatMap((own) => own.blocks);
      const sets =
        recompute !== "auto" ? this.#setsOf(stages) : isAgain === undefined ? [blocks, []] : isAgain ? [blocks] : [[]];
      known = this.best(stages, sets);
      this.#extreme.set(key, known);
    }
    return known;
  }

  /** The same for the best of several sets of blocks that run again. Requires: some set. */
  best(stages: readonly StageBlocks[], sets: readonly (readonly number[])[]): DeviceChoice {
    const [first, ...others] = sets.map((again) => this.#open(stages, again, "likely"));
    return others.reduce((best, next) => (next.mayKeep(best.heldBytes - 1) ? next : best), first!);
  }

  #open(stages: readonly StageBlocks[], blocks: readonly number[], guess: Guess): OpenChoice {
    const { schedule, onWork } = this.#options;
    const row = schedule.rows[schedule.placement[stages[0]!.stage]!]!;
    const again = new Set(blocks);
    const againOn = (own: StageBlocks) => own.blocks.filter((block) => again.has(block));
    const held = () => combinations(stages.map((own) => this.#held(own, againOn(own), guess)));
    return new OpenChoice(blocks, held, row, onWork);
  }

  /** All sets of blocks that may run again. */
  #setsOf(stages: readonly StageBlocks[]): readonly (readonly number[])[] {
    const { recompute } = this.#options.problem;
    const blocks = stages.flatMap((own) => own.blocks);
    if (recompute !== "auto") return [recompute === "all" ? blocks : []];
    return Array.from({ length: 2 ** blocks.length }, (_, bits) => blocks.filter((_block, at) => (bits >> at) & 1));
  }

  #held(own: StageBlocks, again: readonly number[], guess: Guess): readonly Held[] {
    const { problem, slots, likelySlots } = this.#options;
    const isSplit = this.#isSplit[own.stage]!;
    const isAllAgain = again.length > 0 && (guess === "likely" || problem.recompute === "all");
    const shapes = this.#options.shapes.of(own, { isSplit, isAllAgain, again });
    if (!shapes) return [{ stage: own.stage, bytes: 0, shape: NOTHING }];
    const slotsOf = (ring: ShapeRing): number =>
      guess === "least"
        ? slots.of(own.stage, ring.maker, ring)
        : likelySlots.of(own.stage, ring.maker, isAllAgain ? readAgain(ring) : ring);
    return shapes.map((shape) => ({
      stage: own.stage,
      bytes: shape.rings.reduce((sum, ring) => sum + ring.bytes * slotsOf(ring), shape.residentBytes),
      shape,
    }));
  }
}

/** A ring whose readers elsewhere run again. */
function readAgain(ring: ShapeRing): ShapeRing {
  return ring.after.includes("forward") ? { ...ring, after: ["forward", "backward"] } : ring;
}

const NOTHING: StageShape = { residentBytes: 0, programs: [], kinds: [], updates: [], rings: [] };

/** A choice whose bytes are counted as far as a limit asks: first without what lies idle in the arena. */
class OpenChoice implements DeviceChoice {
  readonly again: readonly number[];
  readonly #held: () => readonly (readonly Held[])[];
  readonly #row: readonly Action[];
  readonly #onWork: (nodes: number) => void;
  #ways: readonly (readonly Held[])[] | undefined;
  #looseBytes = 0;
  #bytes: number | undefined;

  constructor(
    again: readonly number[],
    held: () => readonly (readonly Held[])[],
    row: readonly Action[],
    onWork: (nodes: number) => void,
  ) {
    this.again = again;
    this.#held = held;
    this.#row = row;
    this.#onWork = onWork;
  }

  get heldBytes(): number {
    if (this.#bytes === undefined) {
      const ways = this.#waysOf();
      this.#bytes = Math.min(...ways.map((held) => keptBytes(held) + workspaceOf(held, this.#row)));
      for (const held of ways) this.#onWork(nodesIn(programsOf(held)));
    }
    return this.#bytes;
  }

  mayKeep(limit: number): boolean {
    this.#waysOf();
    return this.#looseBytes <= limit && this.heldBytes <= limit;
  }

  #waysOf(): readonly (readonly Held[])[] {
    if (!this.#ways) {
      this.#ways = this.#held();
      this.#looseBytes = Math.min(...this.#ways.map((held) => keptBytes(held) + liveBytes(programsOf(held))));
    }
    return this.#ways;
  }
}

function keptBytes(held: readonly Held[]): number {
  return held.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** As a row runs the programs, with the updates behind it. */
function workspaceOf(held: readonly Held[], row: readonly Action[]): number {
  const programs = programsOf(held);
  const keys = held.flatMap(({ stage, shape }) => shape.kinds.map((kind) => `${stage} ${kind}`));
  const placeOf = new Map(keys.map((key, at) => [key, at]));
  const runs = row.flatMap(({ stage, phase }) => placeOf.get(`${stage} ${KIND_OF[phase]}`) ?? []);
  return sharedBytes(programs, [...runs, ...programs.slice(keys.length).map((_, at) => keys.length + at)]);
}

const KIND_OF: Readonly<Record<Phase, ProgramKind>> = {
  F: "forward",
  B: "backward",
  I: "input-grad",
  W: "weight-grad",
};

function programsOf(held: readonly Held[]): readonly ProgramMemory[] {
  return [...held.flatMap(({ shape }) => shape.programs), ...held.flatMap(({ shape }) => shape.updates)];
}

/** One of each list, in every way. */
function combinations<T>(lists: readonly (readonly T[])[]): readonly (readonly T[])[] {
  return lists.reduce<readonly (readonly T[])[]>(
    (made, list) => made.flatMap((before) => list.map((next) => [...before, next])),
    [[]],
  );
}
