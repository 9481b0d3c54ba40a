/**
 * @file The least memory that a device can hold when some of its stages are known: parameters and programs as they are,
 * and of everything handed on as few slots as the schedule allows whatever the times. What a linked plan holds is never
 * less, and hardly more.
 */
import type { NodeId } from "../ir/graph.js";
import { againChoices, againOffer } from "../partition/recompute-choice.js";
import type { PartitionProblem } from "../partition/problem.js";
import type { LeastSlots } from "../plan/least-slots.js";
import type { ProgramKind } from "../plan/plan.js";
import type { ProgramMemory } from "../plan/workspace.js";
import { liveBytes, sharedBytes } from "../plan/workspace.js";
import type { Action, Phase, Schedule } from "../schedule/action.js";
import { splitStages } from "../schedule/action.js";
import type { ShapeSubject, StageShape } from "./stage-shape.js";
import { stageShapes } from "./stage-shape.js";

/** A stage by its blocks. */
export interface StageBlocks {
  readonly stage: number;
  readonly blocks: readonly number[];
  /** By block: before the stage (-1), of it (0), or behind it (1). */
  readonly side: (block: number) => number;
  /** Different for different blocks. */
  readonly key: string;
}

/** What runs again on a device, by the need for memory that makes the partitioner choose it. */
export interface DeviceChoice {
  readonly neededBytes: number;
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

export interface DeviceMemoryOptions {
  readonly problem: PartitionProblem;
  readonly subject: ShapeSubject;
  readonly slots: LeastSlots;
  /** Of one copy of the model. */
  readonly schedule: Schedule;
  readonly blockOf: (node: NodeId) => number;
  /** Told how many nodes were linked or laid out in memory. */
  readonly onWork: (nodes: number) => void;
}

export class DeviceMemory {
  readonly #options: DeviceMemoryOptions;
  readonly #isSplit: readonly boolean[];
  readonly #shapes = new Map<string, readonly StageShape[] | undefined>();
  readonly #loose = new Map<string, LooseMemory>();
  readonly #whole = new Map<string, readonly OpenChoice[]>();

  constructor(options: DeviceMemoryOptions) {
    this.#options = options;
    this.#isSplit = splitStages(options.schedule);
  }

  /** What a stage adds to its device at least, whatever runs again. */
  loose(own: StageBlocks): LooseMemory {
    const key = `${own.stage} ${own.key}`;
    let known = this.#loose.get(key);
    if (!known) {
      const { recompute } = this.#options.problem;
      if (recompute === "auto") {
        const [plain] = this.#shapesOf(own, []) ?? [];
        known = { keptBytes: plain ? plain.residentBytes + this.#sentBytes(own.stage, plain) : 0, workBytes: 0 };
      } else {
        const held = this.#held(own, recompute === "all" ? own.blocks : []);
        known = {
          keptBytes: Math.min(...held.map(({ bytes }) => bytes)),
          workBytes: Math.min(...held.map(({ shape: { programs } }) => liveBytes(programs))),
        };
      }
      this.#loose.set(key, known);
    }
    return known;
  }

  /** What can run again on a device that holds exactly these stages so that it may keep the limit, ascending by stage. */
  choices(stages: readonly StageBlocks[], limit: number): readonly DeviceChoice[] {
    const key = stages.map((own) => `${own.stage} ${own.key}`).join(" ");
    let known = this.#whole.get(key);
    if (!known) {
      const row = this.#options.schedule.rows[this.#options.schedule.placement[stages[0]!.stage]!]!;
      known = this.#againOf(stages).map(({ taken, neededBytes }) => {
        const again = new Set(taken.map(({ block }) => block));
        const againOn = ({ blocks }: StageBlocks) => blocks.filter((block) => again.has(block));
        const held = () => combinations(stages.map((own) => this.#held(own, againOn(own))));
        return new OpenChoice(neededBytes, held, row, this.#options.onWork);
      });
      this.#whole.set(key, known);
    }
    return known.filter((choice) => choice.mayKeep(limit));
  }

  #againOf(stages: readonly StageBlocks[]) {
    const { problem } = this.#options;
    const offers = stages.flatMap(({ stage, blocks }) =>
      blocks.map((block) => againOffer(problem.graph.blocks[block]!, problem.stages[stage]!)),
    );
    if (problem.recompute === "auto") return againChoices(offers);
    return [{ taken: problem.recompute === "all" ? offers : [], neededBytes: 0 }];
  }

  #held(own: StageBlocks, again: readonly number[]): readonly Held[] {
    const shapes = this.#shapesOf(own, again);
    if (!shapes) return [{ stage: own.stage, bytes: 0, shape: NOTHING }];
    return shapes.map((shape) => ({
      stage: own.stage,
      bytes: shape.residentBytes + this.#ringBytes(own.stage, shape),
      shape,
    }));
  }

  #shapesOf({ stage, key, side }: StageBlocks, again: readonly number[]): readonly StageShape[] | undefined {
    const { problem, subject, blockOf, onWork } = this.#options;
    const isSplit = this.#isSplit[stage]!;
    const name = `${isSplit} ${key} ${again.join()}`;
    if (this.#shapes.has(name)) return this.#shapes.get(name);
    const nodes = new Set(again.flatMap((block) => problem.graph.blocks[block]!.nodes));
    const choice = { side: (node: NodeId) => side(blockOf(node)), isSplit, again: nodes };
    const shapes = stageShapes(subject, choice);
    this.#shapes.set(name, shapes);
    for (const { programs } of shapes ?? []) onWork(STAGE_WORK + nodesIn(programs));
    return shapes;
  }

  #ringBytes(stage: number, { rings }: StageShape): number {
    return rings.reduce((sum, ring) => sum + ring.bytes * this.#options.slots.of(stage, ring.maker, ring), 0);
  }

  /** Of what a forward pass sends to other stages, which is kept whatever runs again. */
  #sentBytes(stage: number, { rings }: StageShape): number {
    return rings
      .filter(({ maker, before, after }) => maker === "forward" && before.length + after.length > 0)
      .reduce((sum, ring) => {
        return sum + ring.bytes * this.#options.slots.of(stage, ring.maker, { ...ring, own: [] });
      }, 0);
  }
}

/** What linking a stage takes besides its nodes, in nodes. */
const STAGE_WORK = 80;

const NOTHING: StageShape = { residentBytes: 0, programs: [], kinds: [], updates: [], rings: [] };

/** A choice whose bytes are counted as far as a limit asks: first without what lies idle in the arena. */
class OpenChoice implements DeviceChoice {
  readonly neededBytes: number;
  readonly #held: () => readonly (readonly Held[])[];
  readonly #row: readonly Action[];
  readonly #onWork: (nodes: number) => void;
  #ways: readonly (readonly Held[])[] | undefined;
  #looseBytes = 0;
  #bytes: number | undefined;

  constructor(
    neededBytes: number,
    held: () => readonly (readonly Held[])[],
    row: readonly Action[],
    onWork: (nodes: number) => void,
  ) {
    this.neededBytes = neededBytes;
    this.#held = held;
    this.#row = row;
    this.#onWork = onWork;
  }

  mayKeep(limit: number): boolean {
    if (this.#bytes === undefined) {
      if (!this.#ways) {
        this.#ways = this.#held();
        this.#looseBytes = Math.min(...this.#ways.map((held) => keptBytes(held) + liveBytes(programsOf(held))));
      }
      if (this.#looseBytes > limit) return false;
      this.#bytes = Math.min(...this.#ways.map((held) => keptBytes(held) + workspaceOf(held, this.#row)));
      for (const held of this.#ways) this.#onWork(nodesIn(programsOf(held)));
    }
    return this.#bytes <= limit;
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

function nodesIn(programs: readonly ProgramMemory[]): number {
  return programs.reduce((sum, { scratch }) => sum + scratch.length, 0);
}

/** One of each list, in every way. */
function combinations<T>(lists: readonly (readonly T[])[]): readonly (readonly T[])[] {
  return lists.reduce<readonly (readonly T[])[]>(
    (made, list) => made.flatMap((before) => list.map((next) => [...before, next])),
    [[]],
  );
}
