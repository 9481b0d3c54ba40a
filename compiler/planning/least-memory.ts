/**
 * @file The least memory that any plan of a request needs, over all its candidates, cuts and choices of what runs again.
 * Bounds from device-memory.ts rule out most cuts; what they leave is linked. Where there is too much to look through,
 * the answer is a range.
 */
import type { PipewrightError } from "../errors.js";
import type { NodeId, ValueId } from "../ir/graph.js";
import { blocksOfNodes } from "../partition/blocks.js";
import type { Interruption } from "../partition/interruption.js";
import type { Partition, PartitionProblem } from "../partition/problem.js";
import type { OptimizerSpec } from "../plan/plan.js";
import { AgainCurve } from "./again-curve.js";
import type { ForwardValue } from "./kept-values.js";
import { forwardValues } from "./kept-values.js";
import type { LinkedPlansOptions } from "./linked-plans.js";
import { LinkedPlans } from "./linked-plans.js";
import { LinkedSearch } from "./linked-search.js";
import type { MemoryCandidate } from "./memory-candidate.js";
import { memoryCandidates, memoryShares, mostHeld } from "./memory-candidate.js";
import { descendMemory } from "./memory-descent.js";
import type { Arranged, Placed } from "./placed.js";
import { quickCuts } from "./quick-cuts.js";
import type { ShapeSubject } from "./stage-shape.js";
import { leastResident } from "./stage-shape.js";
import type { PlanSubject } from "./subject.js";

/** Nodes that are linked and laid out in memory before boundaries are moved no more: about five seconds. */
const MOST_DESCENT_WORK = 500_000;
/** And the same for walks. */
const MOST_WALK_WORK = 800_000;
/** Cuts of a candidate beyond which bounds do not rule out enough of them. */
const MOST_STEPS = 1e10;
/** Candidates that are cut: those with the lowest bounds. */
const MOST_STARTED = 32;
/** Cuts that are looked at where candidates have few: of all of them together. */
const MOST_STARTS = 1300;
/** Nodes that are linked and laid out for them. */
const MOST_START_WORK = 150_000;
/** Cuts whose boundaries are moved: those that need least. */
const MOST_DESCENTS = 12;
/** Cuts that a descent looks at. */
const MOST_CUTS = 300;
/** Ends of descents whose plans are linked, and those of them that are looked around. */
const MOST_LINKED = 6;
const MOST_ENDED = 3;
/** Plans that are linked to look around one of them. */
const MOST_PLANS = 30;
/** Plans that are placed below the best one. */
const MOST_PLACED = 3;
/** With more candidates, the partitioner makes no cuts to start from where floors do. */
const FEW_CANDIDATES = 2;
/** Blocks of a cut that are tried the other way. */
const MOST_FLIPS = 60;
/** How far the first walk looks above the bound, as a share of it; the next ones twice as far each. */
const FIRST_REACH = 0.02;
/** Bytes in proportion to limits that differ by less are the same. */
const ROUNDING = 1e-12;

/** What is known of the least memory: in proportion to the limits, bytes of the device with the smallest one. */
export interface LeastMemory {
  /** No plan needs less. */
  readonly boundBytes: number;
  /** What the best plan found needs; Infinity if none was. */
  readonly foundBytes: number;
  readonly found: Placed | undefined;
  /** Why the partitioner found no plan, if that was not for memory. */
  readonly failure?: PipewrightError;
}

export interface LeastMemoryOptions extends LinkedPlansOptions {
  /** Cuts a problem quickly. */
  readonly quick: (problem: PartitionProblem) => Promise<Partition>;
  /** A plan of a candidate that needs less than so much, as placing finds it. */
  readonly place: (arranged: Arranged, belowBytes: number) => Promise<Placed | undefined>;
  /** Asked once, of a bound: whether to go on. Default: always. */
  readonly isWorth?: (boundBytes: number) => boolean;
}

/**
 * Requires: some device has a limit; all candidates are of one cluster, `isWhole` if they are all that the request allows.
 * Ensures: without a time limit the answer depends on the proportions of the limits alone, unless a plan fits.
 */
export async function leastMemory(
  subject: PlanSubject,
  candidates: readonly Arranged[],
  options: LeastMemoryOptions,
  isWhole = true,
): Promise<LeastMemory> {
  return new Search(subject, candidates, options).run(isWhole);
}

/** What stages are made of. */
export function shapeSubject({ training, groups }: PlanSubject, optimizer: OptimizerSpec): ShapeSubject {
  const { differentiated, results } = training;
  const readers = new Map<ValueId, Set<NodeId>>(differentiated.graph.params.map(({ id }) => [id, new Set()]));
  for (const node of differentiated.graph.nodes)
    for (const value of node.inputs) if (value) readers.get(value.id)?.add(differentiated.owner.get(node.id)!);
  return { differentiated, optimizer, groups, results, readersOf: (param) => [...(readers.get(param) ?? [])] };
}

/** A cut to start from. */
interface Start {
  readonly stageOf: readonly number[];
  readonly bytes: number;
  readonly candidate: MemoryCandidate;
}

/** A candidate with what is known of its least memory. */
interface Bounded {
  readonly candidate: MemoryCandidate;
  boundBytes: number;
}

class Search {
  readonly #arranged: readonly Arranged[];
  readonly #options: LeastMemoryOptions;
  readonly #shapes: ShapeSubject;
  readonly #values: readonly ForwardValue[];
  readonly #plans: LinkedPlans;
  #failure: PipewrightError | undefined;

  constructor(subject: PlanSubject, arranged: readonly Arranged[], options: LeastMemoryOptions) {
    this.#arranged = arranged;
    this.#options = options;
    this.#shapes = shapeSubject(subject, options.optimizer);
    this.#values = forwardValues(subject);
    this.#plans = new LinkedPlans(subject, options);
  }

  async run(isWhole: boolean): Promise<LeastMemory> {
    const root = this.#rootBound();
    const bounded = await this.#bounded(root);
    const known = new Set(bounded.map(({ candidate }) => candidate.arranged));
    const others = this.#arranged.filter((own) => !known.has(own));
    let isBounded = isWhole && others.length === 0;
    const least = (): number => (isBounded ? Math.min(...bounded.map(({ boundBytes }) => boundBytes)) : root);
    if (this.#options.isWorth?.(least()) === false) return this.#result(least());
    const isAllLinked = await this.#linkOthers(others);
    isBounded = isWhole && isAllLinked;
    const isDone = await this.#descendAll(bounded);
    if (isDone && least() < this.#plans.foundBytes) await this.#placeBelow();
    if (isDone && isBounded) await this.#walkAll(bounded);
    return this.#result(least());
  }

  #result(boundBytes: number): LeastMemory {
    const { foundBytes, found } = this.#plans;
    const failure = this.#failure;
    return { boundBytes: Math.min(foundBytes, boundBytes), foundBytes, found, ...(failure && { failure }) };
  }

  /** Candidates of which nothing is known before their plans are linked. @returns whether all plans were. */
  async #linkOthers(others: readonly Arranged[]): Promise<boolean> {
    let isAll = true;
    for (const arranged of others) {
      if (await this.#plans.isEnough()) return false;
      const search = new LinkedSearch(arranged, {
        plans: this.#plans,
        values: this.#values,
        quickCuts: () => this.#quickCuts(arranged),
        interruption: this.#interruption(),
      });
      if (!(await search.run())) isAll = false;
    }
    return isAll;
  }

  #quickCuts({ problem }: Arranged): Promise<readonly (readonly number[])[]> {
    return quickCuts(problem, this.#options.quick, (error) => (this.#failure ??= error));
  }

  /** Candidates of one copy of the model, with what floors of stages say. */
  async #bounded(root: number): Promise<readonly Bounded[]> {
    const onWork = (nodes: number): void => void (this.#plans.work += nodes);
    const candidates = await memoryCandidates(this.#shapes, this.#arranged, { ...this.#interruption(), onWork });
    const bounded: Bounded[] = [];
    for (const candidate of candidates) {
      if (await this.#options.isTimeUp()) break;
      bounded.push({ candidate, boundBytes: rounded(candidate.boundBytes(root - 1), candidate) });
    }
    return bounded;
  }

  /** @returns false when it was ended. */
  async #descendAll(bounded: readonly Bounded[]): Promise<boolean> {
    const starts: Start[] = [];
    const started = new Set(bounded.toSorted((a, b) => a.boundBytes - b.boundBytes).slice(0, MOST_STARTED));
    for (const { candidate, boundBytes } of bounded.filter((own) => started.has(own))) {
      if (await this.#plans.isEnough()) return false;
      const cuts = candidate.starts(boundBytes, MOST_STARTS / this.#arranged.length);
      if (cuts.length === 0 || this.#arranged.length <= FEW_CANDIDATES)
        for (const cut of await this.#quickCuts(candidate.arranged)) starts.push(startAt(cut, candidate));
      for (const [at, cut] of cuts.entries()) {
        if (at > 0 && this.#plans.work > MOST_START_WORK) break;
        starts.push(startAt(cut, candidate));
      }
      if (!this.#plans.found && starts.length > 0) this.#linked(starts[0]!);
    }
    starts.sort((a, b) => a.bytes - b.bytes);
    const [first] = starts;
    if (first) this.#linked(first);
    const end = this.#plans.work + MOST_DESCENT_WORK;
    const isOver = async (): Promise<boolean> => this.#plans.work > end || (await this.#plans.isEnough());
    const ends: Start[] = [];
    for (const start of starts.slice(0, MOST_DESCENTS)) {
      if (await isOver()) break;
      ends.push(await this.#descend(start, isOver));
    }
    ends.sort((a, b) => a.bytes - b.bytes);
    const linked = ends.slice(0, MOST_LINKED).map((own) => ({ own, bytes: this.#linked(own) }));
    linked.sort((a, b) => a.bytes - b.bytes);
    for (const [at, { own }] of linked.entries()) {
      if (await this.#plans.isEnough()) break;
      if (at < MOST_ENDED) await this.#end(own);
      else if (!(await isOver())) this.#refine(own);
    }
    return !(await this.#plans.isEnough());
  }

  /** Offers plans that placing finds below the best one, so that what is named is not more than that would do with. */
  async #placeBelow(): Promise<void> {
    for (let count = 0; count < MOST_PLACED && this.#plans.found && !(await this.#plans.isEnough()); count++) {
      const { candidate } = this.#plans.found;
      const arranged = this.#arranged.find((own) => own.candidate === candidate)!;
      const placed = await this.#options.place(arranged, this.#plans.foundBytes);
      if (!placed) return;
      this.#plans.offer(placed);
    }
  }

  /** Offers its plan. @returns what that needs. */
  #linked({ stageOf, candidate }: Start): number {
    return mostHeld(this.#plans.link(candidate.arranged, candidate.sized(stageOf)), candidate.shares);
  }

  /** Where moving the boundaries of a cut leads to. */
  async #descend({ stageOf, candidate }: Start, isEnough: () => Promise<boolean>): Promise<Start> {
    const first = candidate.sized(stageOf);
    const heldBytes = (cut: readonly number[]): readonly number[] => candidate.sized(cut, first).heldBytes;
    const options = { shares: candidate.shares, heldBytes, most: MOST_CUTS, isEnough };
    return startAt(await descendMemory(candidate.arranged.problem, stageOf, options), candidate);
  }

  /** Offers the plans that moving its boundaries leads to by what plans really hold, and others of what runs again. */
  async #end({ stageOf, candidate }: Start): Promise<void> {
    const { arranged, shares } = candidate;
    const best = await descendMemory(arranged.problem, stageOf, {
      shares,
      heldBytes: (cut) => this.#plans.link(arranged, candidate.sized(cut)),
      most: MOST_PLANS,
      isEnough: async () => this.#plans.isEnough(),
    });
    this.#refine({ stageOf: best, candidate });
  }

  /** Offers the plan of a cut with that running again which leaves least. */
  #refine({ stageOf, candidate }: Omit<Start, "bytes">): void {
    const { arranged } = candidate;
    if (arranged.problem.recompute !== "auto") return;
    const curve = new AgainCurve(arranged.problem, stageOf, this.#values);
    const refined = candidate.refined(stageOf, (stages) => curve.fewSets(stages).map(({ blocks }) => blocks));
    this.#plans.link(arranged, refined);
    this.#plans.link(arranged, candidate.flipped(refined, MOST_FLIPS));
  }

  /** Raises the bounds of candidates as far as walks can, from the lowest on. */
  async #walkAll(bounded: readonly Bounded[]): Promise<void> {
    const end = this.#plans.work + MOST_WALK_WORK;
    const isOver = async (): Promise<boolean> => this.#plans.work > end || (await this.#plans.isEnough());
    const isShort = ({ candidate: { space } }: Bounded): boolean => space !== undefined && space.steps <= MOST_STEPS;
    const fixed = Math.min(...bounded.filter((own) => !isShort(own)).map(({ boundBytes }) => boundBytes));
    const open = bounded.filter(isShort);
    for (let reach = FIRST_REACH; ; reach *= 2) {
      const least = Math.min(...open.map(({ boundBytes }) => boundBytes));
      const most = Math.min(fixed, this.#plans.foundBytes);
      if (least >= most) return;
      const limit = Math.min(most, least * (1 + reach));
      const below = open.filter(({ boundBytes }) => boundBytes < limit);
      // What earlier walks linked is known, so that the whole cost is that of the last one.
      const cost = below.reduce((sum, { candidate }) => sum + candidate.space!.cost(limit), 0);
      if (cost > MOST_WALK_WORK) return;
      for (const own of below) {
        const isDone = await own.candidate.space!.walk({
          limit: () => Math.min(limit, this.#plans.foundBytes * (1 - ROUNDING)),
          shares: own.candidate.shares,
          visit: async (point) => void this.#plans.link(own.candidate.arranged, point),
          isOver,
        });
        if (!isDone) return;
        own.boundBytes = Math.min(rounded(limit, own.candidate), this.#plans.foundBytes);
      }
    }
  }

  /** Parameters are somewhere, and each block's on one device. */
  #rootBound(): number {
    const { problem, cluster } = this.#arranged[0]!;
    const blockOf = blocksOfNodes(problem.graph);
    const resident = leastResident(this.#shapes, problem.graph.blocks.length, (node) => blockOf.get(node)!);
    const shares = memoryShares({ cluster });
    const total = resident.reduce((sum, bytes) => sum + bytes, 0);
    const whole = shares.reduce((sum, share) => sum + share, 0);
    return Math.max(1, Math.ceil(total / whole), Math.ceil(Math.max(...resident) / Math.max(...shares)));
  }

  #interruption(): Interruption {
    let isOver = false;
    return { cancelled: () => isOver, pause: async () => void (isOver = await this.#options.isTimeUp()) };
  }
}

function startAt(stageOf: readonly number[], candidate: MemoryCandidate): Start {
  return { stageOf, bytes: mostHeld(candidate.sized(stageOf).heldBytes, candidate.shares), candidate };
}

/** A limit that no plan keeps, as a bound of what plans need: the next whole number where all devices have the same. */
function rounded(limit: number, { shares }: MemoryCandidate): number {
  const isUniform = shares.every((share) => share === 1 || share === Infinity);
  return isUniform ? Math.floor(limit) + 1 : limit;
}
