/**
 * @file All cuts of one candidate as chains of ideals, walked in depth, with bounds of the memory that their devices
 * hold: first the floors of stages, which cost nothing, then stages that are linked.
 */
import { holds } from "../partition/ideals.js";
import type { Contraction } from "../partition/contract.js";
import type { PartitionProblem } from "../partition/problem.js";
import type { Schedule } from "../schedule/action.js";
import { stagesOfDevices } from "../schedule/action.js";
import type { ChainFloor } from "./chain-floor.js";
import { ROUNDING } from "./chain-floor.js";
import type { DeviceChoice, DeviceMemory } from "./device-memory.js";
import type { StageBlocks } from "./shape-table.js";
import { STAGE_WORK, stageBlocks } from "./shape-table.js";
import type { StageFloors } from "./stage-floor.js";

/** A cut with what runs again on each device. */
export interface CutPoint {
  /** By block. */
  readonly stageOf: readonly number[];
  /** Blocks that run again, if that may be chosen. */
  readonly again: readonly number[];
}

export interface CutSpaceOptions {
  readonly problem: PartitionProblem;
  readonly contraction: Contraction;
  /** Of one copy of the model. */
  readonly schedule: Schedule;
  readonly floors: StageFloors;
  readonly floor: ChainFloor;
  readonly memory: DeviceMemory;
  /** Of the model's training graph. */
  readonly nodes: number;
  /** Told how much was looked at, in nodes that are laid out in memory meanwhile. */
  readonly onWork: (nodes: number) => void;
}

/** Stages that are bounded while a node is laid out. */
const STAGES_PER_NODE = 10;
/** Nodes that are laid out for a cut whose devices hold several stages: devices with the same stages once. */
const NODES_PER_WAY = 10;

/** What a walk is limited by. */
export interface Walk {
  /** Most bytes that a device may hold, in proportion to its share; asked again and again, since better cuts lower it. */
  readonly limit: () => number;
  /** By device: its part of the limit; Infinity for no limit. */
  readonly shares: readonly number[];
  /** Awaited for every cut whose bounds keep the limits. */
  readonly visit: (point: CutPoint) => Promise<void>;
  /** Asked now and then; true ends the walk. */
  readonly isOver: () => Promise<boolean>;
}

/** A stage of a chain with what its floors say. */
interface Link extends StageBlocks {
  readonly keptBytes: number;
  readonly workBytes: number;
}

export class CutSpace {
  readonly #options: CutSpaceOptions;
  /** By device, ascending. */
  readonly #stagesOf: readonly (readonly number[])[];

  constructor(options: CutSpaceOptions) {
    this.#options = options;
    this.#stagesOf = stagesOfDevices(options.schedule);
  }

  /** At most so many ways to go from stage to stage: where every device has one stage, what comes before does not matter. */
  get steps(): number {
    const { lattice } = this.#options.floors;
    const between = this.#options.problem.stages.length - 1;
    if (this.#isAlone) return lattice.count ** 2 * (between + 1);
    return Array.from({ length: between }, (_, at) => (lattice.count - at) / (between - at)).reduce(
      (product, factor) => product * factor,
      1,
    );
  }

  get #isAlone(): boolean {
    return this.#stagesOf.every(({ length }) => length === 1);
  }

  /**
   * About how many nodes a walk links and lays out: those of the stages that floors leave, with all that may run again,
   * and where devices hold several stages some for each way through them.
   */
  cost(limit: number): number {
    const { floor, floors, problem, schedule, nodes } = this.#options;
    const { lattice } = floors;
    const last = lattice.count - 1;
    const rest = floor.rest(limit, 1);
    const perBlock = nodes / problem.graph.blocks.length;
    const sizes = this.#sizes();
    let cost = 0;
    let now = new Float64Array(lattice.count).fill(Infinity);
    let ways = new Float64Array(lattice.count);
    now[0] = 0;
    ways[0] = 1;
    problem.stages.forEach((_, stage) => {
      const next = new Float64Array(lattice.count).fill(Infinity);
      const further = new Float64Array(lattice.count);
      now.forEach((used, from) => {
        if (used === Infinity) return;
        floors.row(from).to.forEach((to, at) => {
          if (at === 0 || (to === last) !== (stage === problem.stages.length - 1)) return;
          const most = schedule.devices * (1 + ROUNDING) - used - rest[stage + 1]![to]!;
          const share = floor.share(stage, from, at, limit, most);
          if (share > most) return;
          next[to] = Math.min(next[to]!, used + share);
          further[to]! += ways[from]!;
          const blocks = sizes[to]! - sizes[from]!;
          cost += (STAGE_WORK + perBlock * blocks) * (problem.recompute === "auto" ? 2 ** blocks : 1);
        });
      });
      now = next;
      ways = further;
    });
    return this.#isAlone ? cost : cost + NODES_PER_WAY * ways[last]!;
  }

  /** Blocks of each ideal. */
  #sizes(): Float64Array {
    const { contraction, floors } = this.#options;
    return Float64Array.from({ length: floors.lattice.count }, (_, ideal) =>
      contraction.nodeOf.reduce((sum, v) => sum + (holds(floors.lattice, ideal, v) ? 1 : 0), 0),
    );
  }

  /** Visits every cut that may keep the limits. @returns false when it was ended before, or could not tell. */
  async walk(walk: Walk): Promise<boolean> {
    const { floor, floors, problem, schedule, onWork } = this.#options;
    const stages = problem.stages.length;
    const last = floors.lattice.count - 1;
    const rest = floor.rest(walk.limit(), 1);
    const chain: Link[] = [];
    const hopeless = new Map<number, number>();
    let isEnded = false;
    /** Whether some cut was visited. */
    const descend = async (from: number, used: number): Promise<boolean> => {
      if (chain.length === stages) {
        isEnded = !(await this.#visitChoices(chain, walk));
        return true;
      }
      const stage = chain.length;
      const state = stage * floors.lattice.count + from;
      if (walk.limit() <= (hopeless.get(state) ?? -1)) return false;
      if (isEnded || (isEnded = await walk.isOver())) return false;
      let isFound = false;
      const row = floors.row(from);
      onWork(row.to.length / STAGES_PER_NODE);
      for (let at = stage === stages - 1 ? row.to.length - 1 : 1; at < row.to.length; at++) {
        const to = row.to[at]!;
        if (to === last && stage < stages - 1) continue;
        const most = schedule.devices * (1 + ROUNDING) - used - rest[stage + 1]![to]!;
        const share = floor.share(stage, from, at, walk.limit(), most);
        if (share > most) continue;
        const own = this.#stage(stage, from, to);
        if (!own) continue;
        const { kept, work } = floor.floors(stage, from);
        chain.push({ ...own, keptBytes: kept[at]!, workBytes: work[at]! });
        const may = this.#mayKeep(chain, walk);
        if (may === undefined) isEnded = true;
        else if (may && (await descend(to, used + share))) isFound = true;
        chain.pop();
        if (isEnded) return isFound;
      }
      if (!isFound && this.#isAlone) hopeless.set(state, walk.limit());
      return isFound;
    };
    await descend(0, 0);
    return !isEnded;
  }

  /** Whether bounds leave room for the last stage of the chain; undefined where too much may run again to tell. */
  #mayKeep(chain: readonly Link[], walk: Walk): boolean | undefined {
    const device = this.#options.schedule.placement[chain.length - 1]!;
    const limit = walk.limit() * walk.shares[device]!;
    const stages = this.#stagesOf[device]!;
    const placed = stages.filter((stage) => stage < chain.length).map((stage) => chain[stage]!);
    const isRoom = (held: readonly { readonly keptBytes: number; readonly workBytes: number }[]): boolean =>
      held.reduce((sum, { keptBytes }) => sum + keptBytes, 0) + Math.max(...held.map(({ workBytes }) => workBytes)) <=
      limit;
    if (!isRoom(placed)) return false;
    const { memory } = this.#options;
    if (placed.length === stages.length)
      return memory.isCountable(placed) ? memory.choices(placed, limit).length > 0 : undefined;
    return isRoom(placed.map((own) => memory.loose(own)));
  }

  /** @returns false when it was ended before. */
  async #visitChoices(chain: readonly Link[], walk: Walk): Promise<boolean> {
    const stageOf = new Array<number>(this.#options.problem.graph.blocks.length).fill(0);
    for (const { stage, blocks } of chain) for (const block of blocks) stageOf[block] = stage;
    const picked: DeviceChoice[] = [];
    const pick = async (device: number): Promise<boolean> => {
      if (device === this.#stagesOf.length) {
        await walk.visit({ stageOf, again: picked.flatMap((own) => own.again) });
        return true;
      }
      const placed = this.#stagesOf[device]!.map((stage) => chain[stage]!);
      for (const choice of this.#options.memory.choices(placed, walk.limit() * walk.shares[device]!)) {
        if (await walk.isOver()) return false;
        picked.push(choice);
        const isDone = await pick(device + 1);
        picked.pop();
        if (!isDone) return false;
      }
      return true;
    };
    return pick(0);
  }

  /** The stage between two ideals; undefined if pins forbid it. */
  #stage(stage: number, from: number, to: number): StageBlocks | undefined {
    const { contraction, floors, problem } = this.#options;
    const { lattice } = floors;
    const { first, last, size } = contraction.instance;
    for (let v = 0; v < size; v++) {
      if (!holds(lattice, to, v) || holds(lattice, from, v)) continue;
      if (first[v]! > stage || last[v]! < stage) return undefined;
    }
    return stageBlocks(stage, problem.graph.blocks.length, (block) => {
      const v = contraction.nodeOf[block]!;
      return holds(lattice, from, v) ? -1 : holds(lattice, to, v) ? 0 : 1;
    });
  }
}
