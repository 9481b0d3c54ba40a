/** @file Which method runs when: cheap ones first, each on what the one before left open. */
import type { Closure } from "./closure.js";
import { closureOf } from "./closure.js";
import { searchCoarse } from "./coarse-search.js";
import { topologicalOrder } from "./components.js";
import { expand } from "./contract.js";
import type { Contraction } from "./contract.js";
import { enumerateIdeals } from "./ideals.js";
import type { Lattice } from "./ideals.js";
import { solveByPairs } from "./ideal-pairs.js";
import type { PairOptions } from "./ideal-pairs.js";
import { searchIdeals } from "./ideal-search.js";
import { relayBottleneck } from "./ideal-pool.js";
import type { Incumbent } from "./incumbent.js";
import type { Instance } from "./instance.js";
import type { Interruption } from "./interruption.js";
import { checkedSolve } from "./milp.js";
import type { MilpSolver } from "./milp.js";
import { partitionMilp } from "./milp-model.js";
import { searchNeighbourhood } from "./neighbourhood.js";
import { candidateOrders } from "./orders.js";
import { reduceInstance } from "./reduce.js";
import { slideStages } from "./shared-devices.js";
import { slice } from "./slicing.js";
import { sliceRelay } from "./slicing-relay.js";
import { stageBound } from "./stage-bound.js";
import { stageWindows } from "./windows.js";

/** What the methods share. */
export interface StrategyOptions extends Interruption {
  readonly method: "auto" | "ideals" | "milp";
  readonly gap: number;
  readonly solver: MilpSolver | undefined;
  /** The order of the best slicing. */
  readonly order: Int32Array;
  readonly closure: Closure;
  /** Undefined: no limit. */
  readonly leftMs: () => number | undefined;
  readonly onFault: (fault: string) => void;
}

/** Counted work, not time: the same result on every machine. */
const IDEAL_LIMIT = 60_000;
const FEW_PAIRS = 20_000_000;
const MANY_PAIRS = 1_000_000_000;
/** Regions at the start are about 2000. */
const FEW_REGIONS = 3000;
const MANY_REGIONS = 12_000;
/** Branch-and-bound nodes times columns; a node takes time in proportion to the columns. */
const NODE_COLUMNS = 10_000_000;
/** Programmes with more columns are not solved in one piece: their first relaxation alone takes minutes. */
const COLUMN_LIMIT = 8000;
/** The same where a time limit ends what takes too long. */
const TIMED_COLUMN_LIMIT = 16_000;
const WINDOW_COLUMNS = 5000;
const WINDOW_NODES = 2000;
const WINDOW_SOLVES = 200;
const SHORTEST_SOLVE_MS = 500;
/** Above this, only the two best orders are sliced node by node, and the bound of single nodes is left out. */
const LARGE = 5000;

/** Slices along several orders; returns the order of the best slicing, or the first order when nothing fits. */
export async function slicings(best: Incumbent, closure: Closure, pause: () => Promise<void>): Promise<Int32Array> {
  const { instance } = best;
  const orders = candidateOrders(instance, closure);
  let chosen = orders[0]!;
  const ranked: { order: Int32Array; ms: number }[] = [];
  for (const order of orders) {
    await pause();
    const relayed = sliceRelay(instance, order, best.boundMs, instance.relay ? best.bottleneckMs : Infinity);
    if (relayed && best.offer(relayed.stageOf, "slicing")) chosen = order;
    ranked.push({ order, ms: relayed?.bottleneckMs ?? Infinity });
  }
  if (instance.stages.shared) await slideStages(best, orders, pause);
  if (instance.relay) return chosen;
  if (instance.size > LARGE) ranked.sort((a, b) => a.ms - b.ms).splice(2);
  for (const { order } of ranked) {
    await pause();
    const sliced = slice(instance, order, best.bottleneckMs);
    if (sliced && best.offer(sliced.stageOf, "slicing")) chosen = order;
  }
  return chosen;
}

/**
 * Improves partition and bound until the gap is reached or the methods are used up. Where a device holds several stages,
 * loads are no matter of one stage and its boundaries, so the methods over chains of ideals are left out.
 * @returns true when a search was complete: the partition is optimal, or none exists if there is none.
 */
export async function improve(best: Incumbent, options: StrategyOptions): Promise<boolean> {
  const { method, solver, cancelled, pause } = options;
  const open = (): boolean => best.gap > options.gap && !cancelled();
  const { shared } = best.instance.stages;
  const tries = (name: "ideals" | "milp"): boolean =>
    (method === "auto" || method === name) && !(shared && name === "ideals");
  if (method === "auto" && open() && best.instance.size <= LARGE)
    best.raise(stageBound(best.instance, best.bottleneckMs));
  if (method === "auto" && best.instance.relay && !shared && best.stageOf && open()) await searchRelay(best, options);
  let lattice: Lattice | undefined;
  let reduced: Contraction | undefined;
  if (tries("ideals") && open()) {
    reduced = reduceInstance(best.instance, best.bottleneckMs);
    lattice = await enumerateIdeals(reduced.instance, IDEAL_LIMIT, { cancelled, pause });
    const isTimedWide = !lattice && options.leftMs() !== undefined;
    if (method === "auto" && !best.instance.relay && !shared && isTimedWide && best.stageOf)
      await searchRelay(best, options);
    const pairLimit = method === "auto" && solver ? FEW_PAIRS : MANY_PAIRS;
    if (lattice && (await searchPairs(best, reduced, lattice, { pairLimit, cancelled, pause }))) return true;
  }
  if (tries("milp") && solver && open()) await solveWhole(best, solver, options);
  if (method === "auto" && solver && reduced && lattice && open())
    if (await searchPairs(best, reduced, lattice, { pairLimit: MANY_PAIRS, cancelled, pause })) return true;
  if (method === "auto" && solver && best.stageOf && open()) {
    const shareMs = (options.leftMs() ?? 0) / 10;
    const timeLimitMs = (): number | undefined => {
      const leftMs = options.leftMs();
      return leftMs === undefined ? undefined : Math.max(SHORTEST_SOLVE_MS, Math.min(leftMs, shareMs));
    };
    await searchNeighbourhood(best, {
      solver,
      gap: options.gap,
      maxColumns: WINDOW_COLUMNS,
      nodeLimit: WINDOW_NODES,
      maxSolves: WINDOW_SOLVES,
      timeLimitMs,
      cancelled,
      onFault: options.onFault,
    });
  }
  const isNew = best.method === "neighbourhood" || options.leftMs() !== undefined;
  if (method === "auto" && isNew && best.instance.relay && !shared && best.stageOf && open())
    await searchRegions(best, { ...options, order: orderOf(best) }, MANY_REGIONS);
  return false;
}

/**
 * The search over regions of ideals; where a little of it is not enough, coarse graphs first give it a better partition
 * to beat. Takes half the time that is left. In the direct model it is a heuristic: no stage loads more there.
 */
async function searchRelay(best: Incumbent, options: StrategyOptions): Promise<void> {
  const { instance } = best;
  const stopMs = (options.leftMs() ?? 0) / 2;
  const cancelled = (): boolean => options.cancelled() || (options.leftMs() ?? 0) < stopMs;
  const open = (): boolean => best.gap > options.gap && !cancelled();
  await searchRegions(best, { ...options, cancelled }, FEW_REGIONS);
  if (!open()) return;
  await searchCoarse(best, { cancelled, pause: options.pause });
  const order = orderOf(best);
  const sliced = sliceRelay(instance, order, best.boundMs, instance.relay ? best.bottleneckMs : Infinity);
  if (sliced) best.offer(sliced.stageOf, "slicing");
  if (open()) await searchRegions(best, { ...options, order, cancelled }, MANY_REGIONS);
}

/** A topological order that the best partition cuts into its stages. */
function orderOf({ instance, stageOf }: Incumbent): Int32Array {
  return topologicalOrder(instance.size, instance.after, stageOf!);
}

async function searchRegions(
  best: Incumbent,
  { order, gap, cancelled, pause }: StrategyOptions,
  maxRegions: number,
): Promise<void> {
  const { instance } = best;
  const boundMs = await searchIdeals(instance, {
    order,
    boundMs: best.boundMs,
    limitMs: instance.relay ? best.bottleneckMs : relayBottleneck(instance, best.stageOf!),
    gap: 0.9 * gap,
    maxRegions,
    cancelled,
    pause,
    offer: ({ stageOf }) => best.offer(stageOf, "ideal-search"),
  });
  if (instance.relay) best.raise(boundMs * (1 - 1e-9));
}

/** @returns true when the search was complete. */
async function searchPairs(
  best: Incumbent,
  { instance, nodeOf }: Contraction,
  lattice: Lattice,
  options: Omit<PairOptions, "limitMs">,
): Promise<boolean> {
  const result = await solveByPairs(instance, lattice, { ...options, limitMs: best.bottleneckMs });
  if (result.best) best.offer(expand(nodeOf, result.best.stageOf), "ideal-dp");
  if (!result.complete) return false;
  if (best.stageOf) best.raise(best.bottleneckMs);
  return true;
}

async function solveWhole(best: Incumbent, solver: MilpSolver, options: StrategyOptions): Promise<void> {
  const known = best.stageOf !== undefined;
  const cutoffMs = known ? best.bottleneckMs : largestLoad(best.instance);
  const { instance, nodeOf } = reduceInstance(best.instance, cutoffMs * (1 + 1e-9));
  const windows = stageWindows(instance, closureOf(instance), cutoffMs);
  const start = best.stageOf && projected(best.instance, nodeOf, best.stageOf, instance.size);
  const milp = partitionMilp(instance, {
    windows,
    cutoffMs: cutoffMs * (1 + 1e-9),
    boundMs: best.boundMs,
    ...(start ? { start } : {}),
  });
  const leftMs = options.leftMs();
  const columns = milp.model.objective.length;
  if (columns > Math.min(solver.maxColumns, leftMs === undefined ? COLUMN_LIMIT : TIMED_COLUMN_LIMIT)) return;
  const answer = await checkedSolve(solver, milp.model, {
    relativeGap: 0.9 * options.gap,
    nodeLimit: Math.ceil(NODE_COLUMNS / columns),
    ...(leftMs === undefined ? {} : { timeLimitMs: leftMs }),
  });
  if (answer.fault !== undefined) {
    options.onFault(answer.fault);
    return;
  }
  if (answer.values) best.offer(expand(nodeOf, milp.decode(answer.values)), solver.name);
  if (best.stageOf) best.raiseBySolver(answer.bound * milp.scaleMs * (1 - 1e-6));
}

/** The assignment on the contracted instance: each node goes where its heaviest member is. */
function projected(
  { work, residentBytes }: Instance,
  nodeOf: Int32Array,
  stageOf: Int32Array,
  size: number,
): Int32Array {
  const heaviest = new Int32Array(size).fill(-1);
  nodeOf.forEach((g, v) => {
    const other = heaviest[g]!;
    if (other < 0 || work[v]! > work[other]! || (work[v] === work[other] && residentBytes[v]! > residentBytes[other]!))
      heaviest[g] = v;
  });
  return heaviest.map((v) => stageOf[v]!);
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
