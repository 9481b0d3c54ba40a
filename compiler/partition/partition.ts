/** @file Cuts a block graph into stages and proves how good the cut is: the entry of the partitioner. */
import { PipewrightError, invariant } from "../errors.js";
import { workBound } from "./bound.js";
import { certify, gapOf, OPTIMAL_GAP } from "./certificate.js";
import { closureOf } from "./closure.js";
import type { Closure } from "./closure.js";
import { contract, DisjointSets, expand } from "./contract.js";
import { evaluate, violations } from "./evaluate.js";
import { enumerateIdeals } from "./ideals.js";
import { solveByPairs } from "./ideal-pairs.js";
import { instanceOf } from "./instance.js";
import type { Instance } from "./instance.js";
import { smallestMemoryLimit } from "./memory-limit.js";
import { checkedSolve } from "./milp.js";
import type { MilpSolver } from "./milp.js";
import { partitionMilp } from "./milp-model.js";
import { candidateOrders } from "./orders.js";
import type { Partition, PartitionProblem } from "./problem.js";
import { slice } from "./slicing.js";
import { contractUncuttable } from "./uncuttable.js";
import { stageWindows } from "./windows.js";

/** auto: all that helps, cheap things first. The others stop after one method, for comparison. */
export type PartitionMethod = "auto" | "slicing" | "ideals" | "milp";

/** How hard to try. */
export interface PartitionOptions {
  readonly method?: PartitionMethod;
  /** Stop at this proven gap. Default 1e-4. */
  readonly gap?: number;
  /** Undefined: do without. */
  readonly solver: MilpSolver | undefined;
  /** For the solver, and for the whole if `nowMs` is given. Results then depend on the machine. */
  readonly timeLimitMs?: number;
  /** A monotonic clock. */
  readonly nowMs?: () => number;
  readonly cancelled?: () => boolean;
  /** Told of every solver fault that was caught. */
  readonly onFault?: (fault: string) => void;
}

/** Limits that keep `auto` deterministic: counted work, not time. */
const IDEAL_LIMIT = 60_000;
const PAIR_LIMIT = 40_000_000;
const NODE_LIMIT = 100_000;

/** The best assignment so far, on the instance after steering, and the best bound. */
class Incumbent {
  readonly problem: PartitionProblem;
  readonly nodeOf: Int32Array;
  stageOf: Int32Array | undefined;
  bottleneckMs = Infinity;
  boundMs: number;
  method = "none";

  constructor(problem: PartitionProblem, nodeOf: Int32Array, boundMs: number) {
    this.problem = problem;
    this.nodeOf = nodeOf;
    this.boundMs = boundMs;
  }

  /** Takes the assignment if it is valid and better, by our own arithmetic on the blocks. */
  offer(stageOf: Int32Array, method: string): boolean {
    const ofBlocks = expand(this.nodeOf, stageOf);
    const { bottleneckMs } = evaluate(this.problem, ofBlocks);
    if (!(bottleneckMs < this.bottleneckMs) || violations(this.problem, ofBlocks).length > 0) return false;
    this.stageOf = stageOf;
    this.bottleneckMs = bottleneckMs;
    this.method = method;
    return true;
  }

  get gap(): number {
    return this.stageOf === undefined ? 1 : gapOf(this.bottleneckMs, this.boundMs);
  }
}

function steered(problem: PartitionProblem): { instance: Instance; nodeOf: Int32Array } {
  const plain = instanceOf(problem);
  const { together = [], uncut = [] } = problem.steering ?? {};
  const sets = new DisjointSets(plain.size);
  for (const group of together) for (const v of group) sets.union(group[0]!, v);
  for (const e of uncut)
    for (const v of problem.graph.nets[e]!.consumers) sets.union(problem.graph.nets[e]!.producer, v);
  return contract(plain, sets);
}

function checkProblem(problem: PartitionProblem): void {
  const { stages, graph, link } = problem;
  invariant(stages.length > 0, "partition: no stages");
  for (const { speed, inFlight } of stages) invariant(speed > 0 && inFlight >= 0, "partition: speed must be positive");
  invariant(link.bytesPerMs > 0 && link.latencyMs >= 0, "partition: link must have a positive rate");
  if (problem.emptyStages !== true && graph.blocks.length < stages.length)
    throw new PipewrightError(
      "PLAN_INFEASIBLE",
      `partition: too few blocks; got ${graph.blocks.length} blocks for ${stages.length} stages. Use fewer stages.`,
      { blocks: graph.blocks.length, stages: stages.length },
    );
}

function infeasible(problem: PartitionProblem, instance: Instance, proven: boolean): PipewrightError {
  const enough = smallestMemoryLimit(instance);
  const limits = problem.stages.map((s) => s.memoryBytes ?? Infinity);
  const smallest = Math.min(...limits);
  if (enough === Infinity || smallest === Infinity)
    return new PipewrightError(
      "PLAN_INFEASIBLE",
      `partition: pins and grouped blocks leave no partition into ${problem.stages.length} stages. Remove some of them.`,
    );
  return new PipewrightError(
    "PLAN_INFEASIBLE",
    `partition: ${proven ? "nothing fits" : "no partition was found that fits"} into memory; got a limit of ` +
      `${smallest} bytes per device, expected ${enough} or more. Give more memory, more stages or fewer microbatches in flight.`,
    { memoryBytes: smallest, smallestMemoryBytes: enough, proven },
  );
}

/**
 * Cuts the graph into exactly `problem.stages.length` stages so that the largest load is small.
 *
 * Requires: blocks in topological order of the ordered nets.
 * Ensures: every stage holds a block (unless the problem allows empty ones), no ordered net goes back, memory, pins
 * and groups are kept; loads and gap are recomputed from the assignment.
 * @throws PLAN_INFEASIBLE when there are fewer blocks than stages or nothing fits into memory.
 */
export async function partition(problem: PartitionProblem, options: PartitionOptions): Promise<Partition> {
  checkProblem(problem);
  const { instance, nodeOf } = steered(problem);
  const target = options.gap ?? OPTIMAL_GAP;
  const method = options.method ?? "auto";
  const startMs = options.nowMs?.() ?? 0;
  const late = (): boolean =>
    options.cancelled?.() === true ||
    (options.nowMs !== undefined &&
      options.timeLimitMs !== undefined &&
      options.nowMs() - startMs > options.timeLimitMs);
  const closure = closureOf(instance);
  const best = new Incumbent(problem, nodeOf, workBound(instance));
  const open = (): boolean => best.gap > target && !late();

  const conflict = instance.first.some((s, v) => s > instance.last[v]!);
  if (conflict) throw infeasible(problem, instance, true);
  for (const order of candidateOrders(instance, closure)) {
    const found = slice(instance, order, best.bottleneckMs);
    if (found) best.offer(found.stageOf, "slicing");
  }
  let proven = false;
  if ((method === "auto" || method === "ideals") && open()) proven = solveIdeals(instance, best, late);
  if ((method === "auto" || method === "milp") && open() && !proven && options.solver) {
    await solveMilp(instance, closure, best, options.solver, target, options);
  }
  if (best.stageOf === undefined) throw infeasible(problem, instance, proven);
  const stageOf = expand(nodeOf, best.stageOf);
  const { stages } = evaluate(problem, stageOf);
  return {
    stageOf: Array.from(stageOf),
    loadMs: stages.map((s) => s.loadMs),
    certificate: certify(best.bottleneckMs, best.boundMs),
    solver: best.method,
  };
}

/** @returns true when the search was complete: the incumbent is optimal, or nothing is feasible if there is none. */
function solveIdeals(instance: Instance, best: Incumbent, late: () => boolean): boolean {
  const reduced = contractUncuttable(instance, best.bottleneckMs);
  const lattice = enumerateIdeals(reduced.instance, IDEAL_LIMIT, late);
  if (!lattice) return false;
  const result = solveByPairs(reduced.instance, lattice, {
    limitMs: best.bottleneckMs,
    pairLimit: PAIR_LIMIT,
    cancelled: late,
  });
  if (!result.complete) return false;
  if (result.best) best.offer(expand(reduced.nodeOf, result.best.stageOf), "ideal-dp");
  if (best.stageOf) best.boundMs = best.bottleneckMs;
  return true;
}

/** A bottleneck that no partition passes; positive. */
function largestLoad({ nets, stages, totalWork }: Instance): number {
  const slowest = stages.speed.reduce((a, b) => Math.min(a, b), Infinity);
  const latency = stages.latency.reduce((a, b) => Math.max(a, b), 0);
  const msPerByte = stages.msPerByte.reduce((a, b) => Math.max(a, b), 0);
  let paid = 0;
  for (let e = 0; e < nets.count; e++) paid += nets.messages[e]! * latency + nets.bytes[e]! * msPerByte;
  return totalWork / slowest + 2 * paid || 1;
}

async function solveMilp(
  instance: Instance,
  closure: Closure,
  best: Incumbent,
  solver: MilpSolver,
  gap: number,
  options: PartitionOptions,
): Promise<void> {
  const known = best.stageOf !== undefined;
  const cutoffMs = known ? best.bottleneckMs : largestLoad(instance);
  const windows = stageWindows(instance, closure, cutoffMs);
  const milp = partitionMilp(instance, {
    windows,
    cutoffMs: cutoffMs * (1 + 1e-9),
    boundMs: best.boundMs,
    ...(best.stageOf ? { start: best.stageOf } : {}),
  });
  if (milp.model.objective.length > solver.maxColumns) return;
  const answer = await checkedSolve(solver, milp.model, {
    relativeGap: 0.9 * gap,
    nodeLimit: NODE_LIMIT,
    ...(options.timeLimitMs === undefined ? {} : { timeLimitMs: options.timeLimitMs }),
  });
  if (answer.fault !== undefined) {
    options.onFault?.(answer.fault);
    return;
  }
  if (answer.values) best.offer(milp.decode(answer.values), solver.name);
  const bound = answer.bound * milp.scaleMs * (1 - 1e-6);
  if (best.stageOf && bound > best.boundMs) best.boundMs = Math.min(bound, best.bottleneckMs);
}
