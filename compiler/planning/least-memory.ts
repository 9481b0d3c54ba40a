/**
 * @file The least memory that any plan of a request needs, over all its candidates, cuts and choices of what runs again.
 * Bounds from device-memory.ts rule out most cuts; what they leave is linked. Where there is too much to look through,
 * the answer is a range.
 */
import type { PipewrightError } from "../errors.js";
import type { Partition, PartitionProblem } from "../partition/problem.js";
import type { OptimizerSpec } from "../plan/plan.js";
import type { NodeId, ValueId } from "../ir/graph.js";
import type { CutPoint } from "./cut-space.js";
import { CutSpace } from "./cut-space.js";
import { cutTightly, withoutLimits } from "./fit-memory.js";
import { unlessInfeasible } from "./infeasible.js";
import { descendMemory } from "./memory-descent.js";
import type { Arranged, Placed } from "./placed.js";
import { cutAt, linkedCut, placedAt } from "./placed-cut.js";
import type { ShapeSubject } from "./stage-shape.js";
import { leastResident } from "./stage-shape.js";
import type { PlanSubject } from "./subject.js";

/** Nodes that are linked and laid out before the search settles for a range: ten seconds or more. */
const MOST_WORK = 1_600_000;
/** Cuts of a candidate beyond which bounds do not rule out enough of them. */
const MOST_CHAINS = 1e10;
/** What a whole plan takes, as a multiple of its nodes. */
const WHOLE_WORK = 8;
/** Quick cuts whose boundaries are moved: those that need least. */
const MOST_DESCENTS = 12;
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

export interface LeastMemoryOptions {
  readonly optimizer: OptimizerSpec;
  /** Cuts a problem quickly. */
  readonly quick: (problem: PartitionProblem) => Promise<Partition>;
  /** Whether a plan keeps the limits that were asked for: then no better one is searched. */
  readonly fits: (placed: Placed) => boolean;
  readonly isTimeUp: () => Promise<boolean>;
}

/**
 * Requires: some device has a limit; all candidates are of one cluster, `isWhole` if they are all that the request allows.
 * Ensures: without a time limit the answer depends on the proportions of the limits alone, unless a plan fits.
 */
export async function leastMemory(
  subject: PlanSubject,
  candidates: readonly Arranged[],
  { optimizer, quick, fits, isTimeUp }: LeastMemoryOptions,
  isWhole = true,
): Promise<LeastMemory> {
  const search = new Search(subject, optimizer);
  const known = (boundBytes: number): LeastMemory => {
    const { foundBytes, found, failure } = search;
    return { boundBytes, foundBytes, found, ...(failure && { failure }) };
  };
  const root = search.rootBound(candidates[0]!);
  const isEnough = async (): Promise<boolean> =>
    search.found !== undefined && (fits(search.found) || (await isTimeUp()));
  const tight: Tight[] = [];
  for (const arranged of candidates) {
    if (await isEnough()) return known(root);
    tight.push(...(await search.tighten(arranged, quick)));
  }
  tight.sort((a, b) => a.bytes - b.bytes);
  for (const own of tight.slice(0, MOST_DESCENTS)) {
    await search.descend(own, isEnough);
    if (await isEnough()) return known(root);
  }
  const spaces: (readonly [Arranged, CutSpace])[] = [];
  for (const arranged of candidates) {
    const space = isWhole && (arranged.schedule.replicas ?? 1) === 1 && (await search.spaceOf(arranged, isTimeUp));
    if (!space || space.chains > MOST_CHAINS) return known(root);
    spaces.push([arranged, space]);
  }
  const isUniform = memoryShares(candidates[0]!).every((share) => share === 1 || share === Infinity);
  let boundBytes = root;
  for (let reach = root * FIRST_REACH; boundBytes < search.foundBytes; reach *= 2) {
    const limit = boundBytes + reach;
    const isDone = await search.walk(spaces, limit, isEnough);
    if (!isDone) break;
    boundBytes = Math.min(isUniform ? Math.floor(limit) + 1 : limit, search.foundBytes);
  }
  return known(boundBytes);
}

/** By device in the order of the pipeline: its limit in proportion to the smallest; Infinity without one. */
export function memoryShares({ cluster: { devices } }: Pick<Placed, "cluster">): readonly number[] {
  const limits = devices.map(({ memoryBytes = Infinity }) => memoryBytes);
  const smallest = Math.min(...limits);
  return limits.map((bytes) => (bytes === Infinity ? Infinity : bytes / smallest));
}

/** What stages are made of. */
export function shapeSubject({ training, groups }: PlanSubject, optimizer: OptimizerSpec): ShapeSubject {
  const { differentiated, results } = training;
  const readers = new Map<ValueId, Set<NodeId>>(differentiated.graph.params.map(({ id }) => [id, new Set()]));
  for (const node of differentiated.graph.nodes)
    for (const value of node.inputs) if (value) readers.get(value.id)?.add(differentiated.owner.get(node.id)!);
  return { differentiated, optimizer, groups, results, readersOf: (param) => [...(readers.get(param) ?? [])] };
}

/** A quick cut of a candidate, with what its plan needs. */
interface Tight {
  readonly arranged: Arranged;
  readonly problem: PartitionProblem;
  readonly cut: Partition;
  readonly bytes: number;
}

class Search {
  readonly #subject: PlanSubject;
  readonly #optimizer: OptimizerSpec;
  readonly #shapes: ShapeSubject;
  #work = 0;
  readonly #linked = new Map<Arranged, Set<string>>();
  found: Placed | undefined;
  foundBytes = Infinity;
  failure: PipewrightError | undefined;

  constructor(subject: PlanSubject, optimizer: OptimizerSpec) {
    this.#subject = subject;
    this.#optimizer = optimizer;
    this.#shapes = shapeSubject(subject, optimizer);
  }

  /** Keeps the plan if it needs less than those before. @returns what it needs. */
  offer(placed: Placed): number {
    const shares = memoryShares(placed);
    const bytes = Math.max(...placed.heldBytes.map((held, device) => held / shares[device]!));
    if (bytes < this.foundBytes) {
      this.foundBytes = bytes;
      this.found = placed;
    }
    return bytes;
  }

  /**
   * Offers the plans of quick cuts, the ones that hold least and the fastest ones, with no, some and all forward passes
   * running again if they may.
   */
  async tighten(arranged: Arranged, quick: LeastMemoryOptions["quick"]): Promise<readonly Tight[]> {
    const { recompute, ...without } = arranged.problem;
    const tight: Tight[] = [];
    for (const problem of recompute === "auto" ? [arranged.problem, without, allAgain(without)] : [arranged.problem]) {
      let limited = problem;
      const cutters = [
        () => cutTightly(problem, (next) => quick((limited = next))),
        () => quick((limited = withoutLimits(problem))),
      ];
      for (const cutter of cutters) {
        const cut = await unlessInfeasible(cutter, (error) => (this.failure ??= error));
        if (!cut) continue;
        const bytes = this.offer(this.#link({ ...arranged, problem: limited }, cut));
        tight.push({ arranged, problem: limited, cut, bytes });
      }
    }
    return tight;
  }

  /** Offers the plans that moving the boundaries of the best cut of the candidate leads to. */
  async descend({ arranged, cut, problem }: Tight, isEnough: () => Promise<boolean>): Promise<void> {
    const shares = memoryShares(arranged);
    await descendMemory(problem, cut.stageOf, {
      shares,
      heldBytes: (stageOf) => {
        const placed = this.#link({ ...arranged, problem }, cutAt(problem, stageOf));
        this.offer(placed);
        return placed.heldBytes;
      },
      isEnough,
    });
  }

  spaceOf({ problem, schedule }: Arranged, isTimeUp: () => Promise<boolean>): Promise<CutSpace | undefined> {
    let isOver = false;
    return CutSpace.of({
      subject: this.#shapes,
      problem,
      schedule,
      onWork: (nodes) => void (this.#work += nodes),
      cancelled: () => isOver,
      pause: async () => void (isOver = await isTimeUp()),
    });
  }

  /** Parameters are somewhere, and each block's on one device. */
  rootBound({ problem, cluster }: Pick<Arranged, "problem" | "cluster">): number {
    const blockOf = new Map(
      problem.graph.blocks.flatMap(({ index, nodes }) => nodes.map((node) => [node, index] as const)),
    );
    const resident = leastResident(this.#shapes, problem.graph.blocks.length, (node) => blockOf.get(node)!);
    const shares = memoryShares({ cluster });
    const total = resident.reduce((sum, bytes) => sum + bytes, 0);
    const whole = shares.reduce((sum, share) => sum + share, 0);
    return Math.max(1, Math.ceil(total / whole), Math.ceil(Math.max(...resident) / Math.max(...shares)));
  }

  /** Looks at every cut below `limit` and below the best plan. @returns false when that took too much. */
  async walk(
    spaces: readonly (readonly [Arranged, CutSpace])[],
    limit: number,
    isTimeUp: () => Promise<boolean>,
  ): Promise<boolean> {
    for (const [arranged, space] of spaces) {
      const isDone = await space.walk({
        limit: () => Math.min(limit, this.foundBytes * (1 - ROUNDING)),
        shares: memoryShares(arranged),
        visit: async (point) => this.#visit(arranged, point),
        isOver: async () => this.#work >= MOST_WORK || (await isTimeUp()),
      });
      if (!isDone) return false;
    }
    return true;
  }

  /** Links a cut unless it was linked before. */
  #visit(arranged: Arranged, point: CutPoint): void {
    const known = this.#linked.get(arranged) ?? new Set<string>();
    this.#linked.set(arranged, known);
    const key = `${point.stageOf.join()} ${point.neededBytes.join()}`;
    if (known.has(key)) return;
    known.add(key);
    this.#work += WHOLE_WORK * this.#shapes.differentiated.graph.nodes.length;
    this.offer(placedAt(this.#subject, arranged, point, this.#optimizer));
  }

  #link(arranged: Arranged, cut: Partition): Placed {
    return linkedCut(this.#subject, arranged, cut, this.#optimizer);
  }
}

function allAgain(problem: Omit<PartitionProblem, "recompute">): PartitionProblem {
  return { ...problem, recompute: "all" };
}
