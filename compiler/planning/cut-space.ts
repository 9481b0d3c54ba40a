/**
 * @file All cuts of one candidate as chains of ideals, walked in depth, with bounds of the memory that their devices
 * hold. For models whose ideals can be listed.
 */
import type { NodeId } from "../ir/graph.js";
import type { Lattice } from "../partition/ideals.js";
import { enumerateIdeals, holds } from "../partition/ideals.js";
import type { Instance } from "../partition/instance.js";
import type { Interruption } from "../partition/interruption.js";
import type { PartitionProblem } from "../partition/problem.js";
import { steered } from "../partition/steering.js";
import { LeastSlots } from "../plan/least-slots.js";
import type { Schedule } from "../schedule/action.js";
import type { DeviceChoice, LooseMemory, StageBlocks } from "./device-memory.js";
import { DeviceMemory } from "./device-memory.js";
import type { ShapeSubject } from "./stage-shape.js";
import { leastResident } from "./stage-shape.js";

/** Models with more ideals are not searched whole. */
const MOST_IDEALS = 3000;

/** A cut with what runs again on each device. */
export interface CutPoint {
  /** By block. */
  readonly stageOf: readonly number[];
  /** By device: the need that makes the partitioner choose what runs again. */
  readonly neededBytes: readonly number[];
}

export interface CutSpaceOptions extends Interruption {
  readonly subject: ShapeSubject;
  readonly problem: PartitionProblem;
  readonly schedule: Schedule;
  readonly onWork: (nodes: number) => void;
}

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

export class CutSpace {
  readonly #problem: PartitionProblem;
  readonly #instance: Instance;
  readonly #nodeOf: Int32Array;
  readonly #lattice: Lattice;
  readonly #memory: DeviceMemory;
  /** By ideal: larger ones that hold it. */
  readonly #above: (readonly number[] | undefined)[];
  /** By block: parameters that no other block can own, with all that is kept for them. */
  readonly #resident: readonly number[];
  /** Of all blocks of an ideal, as far as known. */
  readonly #residentOf: number[];
  /** By device, ascending. */
  readonly #stagesOf: readonly (readonly number[])[];

  private constructor(
    { subject, problem, schedule, onWork }: CutSpaceOptions,
    { instance, nodeOf }: ReturnType<typeof steered>,
    lattice: Lattice,
  ) {
    this.#problem = problem;
    this.#instance = instance;
    this.#nodeOf = nodeOf;
    this.#lattice = lattice;
    const blockOf = new Map<NodeId, number>(
      problem.graph.blocks.flatMap(({ index, nodes }) => nodes.map((node): [NodeId, number] => [node, index])),
    );
    this.#memory = new DeviceMemory({
      problem,
      subject,
      slots: new LeastSlots(schedule),
      schedule,
      blockOf: (node) => blockOf.get(node)!,
      onWork,
    });
    this.#above = Array.from({ length: lattice.count }, () => undefined);
    this.#resident = leastResident(subject, problem.graph.blocks.length, (node) => blockOf.get(node)!);
    this.#residentOf = [];
    this.#stagesOf = Array.from({ length: schedule.devices }, (_, device) =>
      schedule.placement.flatMap((own, stage) => (own === device ? [stage] : [])),
    );
  }

  /** Undefined for too many ideals, or when told to stop. @throws PLAN_INFEASIBLE as steering.ts does. */
  static async of(options: CutSpaceOptions): Promise<CutSpace | undefined> {
    const contraction = steered(options.problem);
    const lattice = await enumerateIdeals(contraction.instance, MOST_IDEALS, options);
    return lattice && new CutSpace(options, contraction, lattice);
  }

  /** At most so many cuts: as many as there are ways to choose the ideals between stages. */
  get chains(): number {
    const between = this.#problem.stages.length - 1;
    return Array.from({ length: between }, (_, at) => (this.#lattice.count - at) / (between - at)).reduce(
      (product, factor) => product * factor,
      1,
    );
  }

  /** Visits every cut that may keep the limits. @returns false when it was ended before. */
  async walk(walk: Walk): Promise<boolean> {
    const stages = this.#problem.stages.length;
    const last = this.#lattice.count - 1;
    const chain: StageBlocks[] = [];
    const hopeless = new Map<number, number>();
    const isAlone = this.#stagesOf.every(({ length }) => length === 1);
    let isEnded = false;
    /** Whether some cut was visited. */
    const descend = async (from: number): Promise<boolean> => {
      if (chain.length === stages) {
        await this.#visitChoices(chain, walk);
        return true;
      }
      const stage = chain.length;
      const state = stage * this.#lattice.count + from;
      if (walk.limit() <= (hopeless.get(state) ?? -1)) return false;
      if (isEnded || (isEnded = await walk.isOver())) return false;
      let isFound = false;
      for (const to of stage === stages - 1 ? [last] : this.#aboveOf(from)) {
        const own = to === last && stage < stages - 1 ? undefined : this.#stage(stage, from, to, walk);
        if (!own) continue;
        chain.push(own);
        if (this.#mayKeep(chain, to, walk) && (await descend(to))) isFound = true;
        chain.pop();
        if (isEnded) return isFound;
      }
      if (!isFound && isAlone) hopeless.set(state, walk.limit());
      return isFound;
    };
    await descend(0);
    return !isEnded;
  }

  /** Whether bounds leave room for the last stage of the chain and for all that is still to come. */
  #mayKeep(chain: readonly StageBlocks[], to: number, walk: Walk): boolean {
    const own = chain[chain.length - 1]!;
    const device = this.#deviceOf(own.stage);
    const limit = walk.limit() * walk.shares[device]!;
    const behind = this.#residentIn(this.#lattice.count - 1) - this.#residentIn(to);
    if (behind > this.#room(chain, walk)) return false;
    const stages = this.#stagesOf[device]!;
    const placed = stages.filter((stage) => stage < chain.length).map((stage) => chain[stage]!);
    if (placed.length === stages.length) return this.#memory.choices(placed, limit).length > 0;
    const loose = placed.map((stage): LooseMemory => this.#memory.loose(stage));
    const kept = loose.reduce((sum, { keptBytes }) => sum + keptBytes, 0);
    return kept + Math.max(...loose.map(({ workBytes }) => workBytes)) <= limit;
  }

  /** Bytes for parameters that devices with stages still to come have left. */
  #room(chain: readonly StageBlocks[], walk: Walk): number {
    return this.#stagesOf.reduce((sum, stages, device) => {
      const placed = stages.filter((stage) => stage < chain.length);
      if (placed.length === stages.length) return sum;
      const taken = placed.reduce((total, stage) => total + this.#memory.loose(chain[stage]!).keptBytes, 0);
      return sum + walk.limit() * walk.shares[device]! - taken;
    }, 0);
  }

  #residentIn(ideal: number): number {
    return (this.#residentOf[ideal] ??= this.#resident.reduce(
      (sum, bytes, block) => sum + (holds(this.#lattice, ideal, this.#nodeOf[block]!) ? bytes : 0),
      0,
    ));
  }

  async #visitChoices(chain: readonly StageBlocks[], walk: Walk): Promise<void> {
    const stageOf = new Array<number>(this.#nodeOf.length).fill(0);
    for (const { stage, blocks } of chain) for (const block of blocks) stageOf[block] = stage;
    const picked: DeviceChoice[] = [];
    const pick = async (device: number): Promise<void> => {
      if (device === this.#stagesOf.length)
        return walk.visit({ stageOf, neededBytes: picked.map((own) => own.neededBytes) });
      const placed = this.#stagesOf[device]!.map((stage) => chain[stage]!);
      for (const choice of this.#memory.choices(placed, walk.limit() * walk.shares[device]!)) {
        picked.push(choice);
        await pick(device + 1);
        picked.pop();
      }
    };
    await pick(0);
  }

  /** The stage between two ideals; undefined if pins or its parameters forbid it. */
  #stage(stage: number, from: number, to: number, { limit, shares }: Walk): StageBlocks | undefined {
    if (this.#residentIn(to) - this.#residentIn(from) > limit() * shares[this.#deviceOf(stage)]!) return undefined;
    const { first, last, size } = this.#instance;
    for (let v = 0; v < size; v++) {
      if (!holds(this.#lattice, to, v) || holds(this.#lattice, from, v)) continue;
      if (first[v]! > stage || last[v]! < stage) return undefined;
    }
    const side = (block: number): number => {
      const v = this.#nodeOf[block]!;
      return holds(this.#lattice, from, v) ? -1 : holds(this.#lattice, to, v) ? 0 : 1;
    };
    const blocks = this.#problem.graph.blocks.flatMap(({ index }) => (side(index) === 0 ? [index] : []));
    return { stage, blocks, side, key: `${from}-${to}` };
  }

  #deviceOf(stage: number): number {
    return this.#stagesOf.findIndex((stages) => stages.includes(stage));
  }

  #aboveOf(ideal: number): readonly number[] {
    const { words, bits, count } = this.#lattice;
    return (this.#above[ideal] ??= Array.from({ length: count - ideal - 1 }, (_, at) => ideal + 1 + at).filter(
      (other) => {
        for (let w = 0; w < words; w++) if (bits[ideal * words + w]! & ~bits[other * words + w]!) return false;
        return true;
      },
    ));
  }
}
