/**
 * @file One candidate as the search for the least memory sees it: what its cuts hold, as far as that is known without
 * linking them, and cuts that are likely to hold little.
 */
import type { NodeId } from "../ir/graph.js";
import { blocksOfNodes } from "../partition/blocks.js";
import type { Contraction } from "../partition/contract.js";
import { enumerateIdeals } from "../partition/ideals.js";
import type { Interruption } from "../partition/interruption.js";
import { steered } from "../partition/steering.js";
import { stagesOfDevices } from "../schedule/action.js";
import { uniformCosts } from "../schedule/costs.js";
import { linearize } from "../schedule/linearize.js";
import { simulate } from "../schedule/simulate.js";
import { LeastSlots } from "../plan/least-slots.js";
import { ChainFloor } from "./chain-floor.js";
import { chainsOf, cutsOf } from "./chains.js";
import type { CutPoint } from "./cut-space.js";
import { CutSpace } from "./cut-space.js";
import type { DeviceChoice } from "./device-memory.js";
import { DeviceMemory } from "./device-memory.js";
import { OrderSlots } from "./order-slots.js";
import type { Arranged, Placed } from "./placed.js";
import type { StageBlocks } from "./shape-table.js";
import { ShapeTable, stageBlocks } from "./shape-table.js";
import { StageFloors } from "./stage-floor.js";
import type { ShapeSubject } from "./stage-shape.js";

/** Models with more ideals are not searched whole. */
const MOST_IDEALS = 700;
/** Cuts that start from floors: how far the limit is above the bound, and how even the stages are to be. */
const STARTS = [
  [1.01, 1],
  [1.1, 3],
  [1.3, 6],
] as const;

/** A cut with what its devices hold at least. */
export interface SizedCut extends CutPoint {
  /** By device: whether anything runs again. */
  readonly againOn: readonly boolean[];
  readonly heldBytes: readonly number[];
}

export interface MemoryCandidateOptions {
  readonly shapes: ShapeTable;
  /** Undefined where the model has too many ideals. */
  readonly floors: StageFloors | undefined;
  /** Of the model's training graph. */
  readonly nodes: number;
  /** Told how many nodes were laid out in memory. */
  readonly onWork: (nodes: number) => void;
}

/** Requires: a schedule of one copy of the model. */
export class MemoryCandidate {
  readonly arranged: Arranged;
  /** By device: its part of the limit. */
  readonly shares: readonly number[];
  readonly space: CutSpace | undefined;
  readonly #contraction: Contraction;
  readonly #floors: StageFloors | undefined;
  readonly #floor: ChainFloor | undefined;
  readonly #memory: DeviceMemory;
  readonly #stagesOf: readonly (readonly number[])[];

  constructor(arranged: Arranged, { shapes, floors, nodes, onWork }: MemoryCandidateOptions) {
    const { problem, schedule } = arranged;
    this.arranged = arranged;
    this.shares = memoryShares(arranged);
    this.#contraction = steered(problem);
    const slots = new LeastSlots(schedule);
    const { recompute = "none" } = problem;
    const steady = uniformCosts(schedule.stages, recompute === "none" ? {} : { inputGradMs: 2 });
    const timeline = simulate(schedule, steady);
    const likelySlots = new OrderSlots(schedule, linearize(schedule, timeline));
    this.#memory = new DeviceMemory({ problem, shapes, slots, likelySlots, schedule, onWork });
    this.#floors = floors;
    this.#floor =
      floors && new ChainFloor({ floors, schedule, slots, isAgain: recompute !== "none", shares: this.shares });
    this.space =
      floors &&
      new CutSpace({
        problem,
        contraction: this.#contraction,
        schedule,
        floors,
        floor: this.#floor!,
        memory: this.#memory,
        nodes,
        onWork,
      });
    this.#stagesOf = stagesOfDevices(schedule);
  }

  /** No plan of the candidate needs less; `least` is such a bound. Infinity if there is no cut at all. */
  boundBytes(least: number): number {
    return this.#floor?.bound(least) ?? least;
  }

  /**
   * Valid cuts to start from: all of them if there are no more than `most`, else those whose stages are as even as floors
   * can tell. `boundBytes`: what is known of the least memory.
   */
  starts(boundBytes: number, most: number): readonly (readonly number[])[] {
    const { problem } = this.arranged;
    if (!this.#floors) return [];
    const { lattice } = this.#floors;
    const even = () =>
      STARTS.flatMap(([reach, power]) => {
        const ends = this.#floor?.chain(boundBytes * reach, power);
        return ends ? [ends] : [];
      });
    const chains = chainsOf(lattice, problem.stages.length, most) ?? even();
    return cutsOf(chains, lattice, this.#contraction, problem);
  }

  /** With nothing or all of each device running again where it may: as with another cut, else what leaves less. */
  sized(stageOf: readonly number[], like?: Pick<SizedCut, "againOn">): SizedCut {
    return this.#with(stageOf, (stages, device) => this.#memory.extreme(stages, like && like.againOn[device]));
  }

  /** With that of several sets of blocks running again on each device that leaves least; `sets`: those of its stages. */
  refined(stageOf: readonly number[], sets: (stages: readonly number[]) => readonly (readonly number[])[]): SizedCut {
    return this.#with(stageOf, (stages) => this.#memory.best(stages, sets(stages.map(({ stage }) => stage))));
  }

  /**
   * With single blocks running again or no more, as long as the fullest device holds less for it. Cost: `most` stages are
   * linked.
   */
  flipped(cut: SizedCut, most: number): SizedCut {
    const fullest = cut.heldBytes.reduce(
      (best, bytes, device) =>
        bytes / this.shares[device]! > cut.heldBytes[best]! / this.shares[best]! ? device : best,
      0,
    );
    let left = most;
    return this.#with(cut.stageOf, (stages, device) => {
      const blocks = stages.flatMap((own) => own.blocks);
      const isOwn = new Set(blocks);
      let best = this.#memory.best(stages, [cut.again.filter((block) => isOwn.has(block))]);
      if (device !== fullest) return best;
      for (let isBetter = true; isBetter && left > 0;) {
        isBetter = false;
        for (const block of blocks) {
          if (left-- <= 0) break;
          const { again } = best;
          const next = again.includes(block) ? again.filter((other) => other !== block) : [...again, block];
          const choice = this.#memory.best(stages, [next]);
          if (choice.heldBytes >= best.heldBytes) continue;
          [best, isBetter] = [choice, true];
        }
      }
      return best;
    });
  }

  #with(
    stageOf: readonly number[],
    choose: (stages: readonly StageBlocks[], device: number) => DeviceChoice,
  ): SizedCut {
    const chosen = this.#stagesOf.map((stages, device) =>
      choose(
        stages.map((stage) => stageBlocks(stage, stageOf.length, (block) => Math.sign(stageOf[block]! - stage))),
        device,
      ),
    );
    return {
      stageOf,
      again: chosen.flatMap(({ again }) => again).sort((a, b) => a - b),
      againOn: chosen.map(({ again }) => again.length > 0),
      heldBytes: chosen.map(({ heldBytes }) => heldBytes),
    };
  }
}

/** By device in the order of the pipeline: its limit in proportion to the smallest; Infinity without one. */
export function memoryShares({ cluster: { devices } }: Pick<Placed, "cluster">): readonly number[] {
  const limits = devices.map(({ memoryBytes = Infinity }) => memoryBytes);
  const smallest = Math.min(...limits);
  return limits.map((bytes) => (bytes === Infinity ? Infinity : bytes / smallest));
}

/** In proportion to limits, bytes of the device that is fullest. */
export function mostHeld(heldBytes: readonly number[], shares: readonly number[]): number {
  return Math.max(...heldBytes.map((bytes, device) => bytes / shares[device]!));
}

export interface MemorySearchOptions extends Interruption {
  /** Told how many nodes were linked or laid out in memory. */
  readonly onWork: (nodes: number) => void;
}

/**
 * Those of the candidates whose schedule is of one copy of the model, in their order, up to where it is told to stop.
 * Requires: all are of one request.
 * @throws PLAN_INFEASIBLE as steering.ts does.
 */
export async function memoryCandidates(
  subject: ShapeSubject,
  arranged: readonly Arranged[],
  options: MemorySearchOptions,
): Promise<readonly MemoryCandidate[]> {
  const own = arranged.filter(({ schedule }) => (schedule.replicas ?? 1) === 1);
  const [first] = own;
  if (!first) return [];
  const { graph } = first.problem;
  const { instance, nodeOf } = steered(first.problem);
  const blockOf = blocksOfNodes(graph);
  const { onWork } = options;
  const shapes = new ShapeTable({ subject, graph, blockOf: (node) => blockOf.get(node)!, onWork });
  const lattice = await enumerateIdeals(instance, MOST_IDEALS, options);
  const floors =
    lattice && new StageFloors(subject, lattice, instance.size, (node: NodeId) => nodeOf[blockOf.get(node)!]!);
  const nodes = subject.differentiated.graph.nodes.length;
  const candidates: MemoryCandidate[] = [];
  for (const one of own) {
    await options.pause();
    if (options.cancelled()) break;
    candidates.push(new MemoryCandidate(one, { shapes, floors, nodes, onWork }));
  }
  return candidates;
}
