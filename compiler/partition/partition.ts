/** @file Cuts a block graph into stages and proves how good the cut is: the entry of the partitioner. */
import { PipewrightError, invariant } from "../errors.js";
import { workBound } from "./bound.js";
import { certify, OPTIMAL_GAP } from "./certificate.js";
import { closureOf } from "./closure.js";
import { cutLike } from "./comparison/methods.js";
import { evaluate, violations } from "./evaluate.js";
import { Incumbent } from "./incumbent.js";
import type { Instance } from "./instance.js";
import { smallestMemoryLimit } from "./memory-limit.js";
import type { OtherMethod, PartitionMethod } from "./method-names.js";
import { isOtherMethod } from "./method-names.js";
import type { MilpSolver } from "./milp.js";
import type { Certificate, Partition, PartitionProblem } from "./problem.js";
import { steered } from "./steering.js";
import { improve, slicings } from "./strategy.js";

/** How hard to try. */
export interface PartitionOptions {
  readonly method?: PartitionMethod;
  /** For smp: 0 balances time, 1 balances memory. Default 0.8. */
  readonly memoryWeight?: number;
  /** Stop at this proven gap. Default 1e-4. */
  readonly gap?: number;
  /** Undefined: do without. */
  readonly solver: MilpSolver | undefined;
  /** For the solver, and for the whole if `nowMs` is given. Results then depend on the machine. */
  readonly timeLimitMs?: number;
  /** A monotonic clock. */
  readonly nowMs?: () => number;
  readonly cancelled?: () => boolean;
  /** Awaited by long loops before they ask `cancelled`: lets a signal that cancels arrive. */
  readonly pause?: () => Promise<void>;
  /** Told of every solver fault that was caught. */
  readonly onFault?: (fault: string) => void;
  /** Told of every better partition and bound, times per microbatch; for one problem with the same object each time. */
  readonly onIncumbent?: (found: Pick<Incumbent, "bottleneckMs" | "boundMs" | "gap" | "method">) => void;
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
  const startMs = options.nowMs?.() ?? 0;
  const leftMs = (): number | undefined => {
    if (options.timeLimitMs === undefined) return undefined;
    return options.nowMs ? options.timeLimitMs - (options.nowMs() - startMs) : options.timeLimitMs;
  };
  const best = new Incumbent(problem, instance, nodeOf, workBound(instance), options.onIncumbent);
  const method = options.method ?? "auto";
  if (isOtherMethod(method)) return cutByOther(best, method, options);
  const closure = closureOf(instance);
  const { pause = async () => undefined } = options;
  const order = await slicings(best, closure, pause);
  let proven = false;
  if (method !== "slicing")
    proven = await improve(best, {
      method,
      gap: options.gap ?? OPTIMAL_GAP,
      solver: options.solver,
      order,
      closure,
      leftMs,
      cancelled: () => options.cancelled?.() === true || (leftMs() ?? 1) <= 0,
      pause,
      onFault: options.onFault ?? (() => undefined),
    });
  if (best.contradictedMs !== undefined)
    options.onFault?.(`solver: claimed a bound of ${best.contradictedMs} ms, and a better partition was found`);
  if (best.stageOf === undefined) throw infeasible(problem, instance, proven);
  const certificate = certify(best.bottleneckMs, best.boundMs, best.ownBoundMs);
  return described(problem, best.ofBlocks(best.stageOf), certificate, best.method);
}

function described(
  problem: PartitionProblem,
  stageOf: Int32Array,
  certificate: Certificate,
  solver: string,
): Partition {
  const { stages, again } = evaluate(problem, stageOf);
  const loadMs = stages.map((stage) => stage.loadMs);
  return { stageOf: Array.from(stageOf), loadMs, again, certificate, solver };
}

/** The cut of another tool, if it keeps the rules of the problem. */
function cutByOther(
  { problem, boundMs }: Incumbent,
  method: OtherMethod,
  { memoryWeight }: PartitionOptions,
): Partition {
  const { stageOf, instead } = cutLike(method, problem, memoryWeight);
  const [broken] = violations(problem, stageOf);
  if (broken !== undefined)
    throw new PipewrightError(
      "PLAN_INFEASIBLE",
      `partition: the cut of ${method} is no valid plan here; ${broken}. It knows no memory limits, pins or groups; use auto.`,
      { method },
    );
  const { bottleneckMs } = evaluate(problem, stageOf);
  return described(
    problem,
    stageOf,
    certify(bottleneckMs, boundMs, boundMs),
    instead === undefined ? method : `${method}, ${instead}`,
  );
}

function checkProblem({ stages, graph, link, emptyStages }: PartitionProblem): void {
  invariant(stages.length > 0, "partition: no stages");
  for (const { speed, inFlight } of stages) invariant(speed > 0 && inFlight >= 0, "partition: speed must be positive");
  invariant(link.bytesPerMs > 0 && link.latencyMs >= 0, "partition: link must have a positive rate");
  invariant(graph.blocks.length > 0, "partition: no blocks");
  if (emptyStages !== true && graph.blocks.length < stages.length)
    throw new PipewrightError(
      "PLAN_INFEASIBLE",
      `partition: too few blocks; got ${graph.blocks.length} blocks for ${stages.length} stages. Use fewer stages.`,
      { blocks: graph.blocks.length, stages: stages.length },
    );
}

function infeasible(problem: PartitionProblem, instance: Instance, proven: boolean): PipewrightError {
  const perDevice = problem.stages.length / instance.stages.devices;
  const enough = Math.ceil(smallestMemoryLimit(instance) * perDevice);
  const smallest = problem.stages.reduce((least, { memoryBytes = Infinity }) => Math.min(least, memoryBytes), Infinity);
  if (enough === Infinity || smallest === Infinity)
    return new PipewrightError(
      "PLAN_INFEASIBLE",
      `partition: pins and blocks kept together ${proven ? "leave no" : "left nothing that was found as a"} partition ` +
        `into ${problem.stages.length} stages; got ${steeringText(problem)}. Remove some of them.`,
    );
  return new PipewrightError(
    "PLAN_INFEASIBLE",
    `partition: ${proven ? "nothing fits" : "no partition was found that fits"} into memory; got a limit of ` +
      `${smallest} bytes per device, expected ${enough} or more. Give more memory, more stages or fewer microbatches in flight.`,
    { memoryBytes: smallest, smallestMemoryBytes: enough, proven },
  );
}

function steeringText({ steering = {} }: PartitionProblem): string {
  const { pins = [], together = [], uncut = [] } = steering;
  return `${pins.length} pinned blocks, ${together.length} groups and ${uncut.length} uncut nets`;
}
