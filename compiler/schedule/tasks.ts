/**
 * @file A scheduling problem in typed arrays. A task is a stage and a phase; it runs once per microbatch. Since all
 * microbatches are alike, the k-th run of a task may always take microbatch k: sorting the start times of a task keeps
 * every dependency, every device and the memory in order. So a row is a string of tasks.
 */
import { invariant } from "../errors.js";
import type { Action, Phase, Schedule } from "./action.js";
import { dependencies } from "./order.js";
import type { SchedulingProblem } from "./problem.js";

/** Phases of a stage: its tasks are 3·stage + 0 (F), + 1 (I, or B if not split), + 2 (W, if split). */
export const TASKS_PER_STAGE = 3;

/** A result of a task that another task waits for. */
export interface Delivery {
  readonly to: number;
  /** Link between two devices, or −1 on one device. */
  readonly link: number;
  readonly wireMs: number;
  readonly latencyMs: number;
}

/** Times, stash and messages of every task. Arrays are by task. */
export interface Tasks {
  readonly problem: SchedulingProblem;
  readonly split: boolean;
  readonly microbatches: number;
  readonly devices: number;
  /** Number of tasks; those of one device in `ofDevice`. */
  readonly count: number;
  readonly ofDevice: readonly (readonly number[])[];
  readonly device: Int32Array;
  readonly ms: Float64Array;
  /** Stash taken at the start, and given back at the end. */
  readonly takes: Float64Array;
  readonly returns: Float64Array;
  readonly deliveries: readonly (readonly Delivery[])[];
  /** Deliveries that each task waits for. */
  readonly awaited: Int32Array;
}

/** Is it the F of a stage? */
export function isForward(task: number): boolean {
  return task % TASKS_PER_STAGE === 0;
}

/** Is it the W of a stage? */
export function isWeightGrad(task: number): boolean {
  return task % TASKS_PER_STAGE === 2;
}

/** Requires: checkProblem accepts the problem. */
export function tasksOf(problem: SchedulingProblem): Tasks {
  const { devices, placement, microbatches, costs } = problem;
  const split = problem.split ?? true;
  const count = placement.length * TASKS_PER_STAGE;
  const device = Int32Array.from({ length: count }, (_, task) => placement[Math.floor(task / TASKS_PER_STAGE)]!);
  const [ms, takes, returns] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  placement.forEach((_, stage) => {
    const f = stage * TASKS_PER_STAGE;
    const whole = costs.stash?.forward[stage] ?? 1;
    const late = split ? (costs.stash?.weight[stage] ?? whole) : 0;
    ms[f] = costs.forwardMs[stage]!;
    ms[f + 1] = costs.inputGradMs[stage]! + (split ? 0 : costs.weightGradMs[stage]!);
    ms[f + 2] = split ? costs.weightGradMs[stage]! : 0;
    takes[f] = whole;
    returns[f + 1] = whole - late;
    returns[f + 2] = late;
  });
  const deliveries = deliveriesOf(problem, count);
  const awaited = new Int32Array(count);
  for (const list of deliveries) for (const { to } of list) awaited[to]!++;
  const ofDevice = Array.from({ length: devices }, (_, d) =>
    Array.from({ length: count }, (_, task) => task).filter((t) => device[t] === d && (split || !isWeightGrad(t))),
  );
  return { problem, split, microbatches, devices, count, ofDevice, device, ms, takes, returns, deliveries, awaited };
}

/** Between stages only: what a task waits for on its own stage stands before it in the row. */
function deliveriesOf({ placement, devices, costs, replicas = 1 }: SchedulingProblem, count: number): Delivery[][] {
  const deliveries = Array.from({ length: count }, (): Delivery[] => []);
  const taskOf = ({ stage, phase }: Action) => stage * TASKS_PER_STAGE + "FIW".indexOf(phase);
  const flow = { stages: placement.length, replicas };
  const linkOf = (a: number, b: number) =>
    placement[a] === placement[b] ? -1 : placement[a]! * devices + placement[b]!;
  const add = (from: Action, to: Action, wireMs = 0, latencyMs = 0): void => {
    const link = linkOf(from.stage, to.stage);
    const known = deliveries[taskOf(from)]!.findIndex((delivery) => delivery.to === taskOf(to));
    const delivery = { to: taskOf(to), link, ...(link < 0 ? { wireMs: 0, latencyMs: 0 } : { wireMs, latencyMs }) };
    if (known >= 0) deliveries[taskOf(from)]![known] = delivery;
    else deliveries[taskOf(from)]!.push(delivery);
  };
  placement.forEach((_, stage) => {
    for (const phase of ["F", "I"] as const)
      for (const need of dependencies({ stage, phase, microbatch: 0 }, flow, () => "I"))
        if (need.stage !== stage) add(need, { stage, phase, microbatch: 0 });
  });
  for (const { from, to, latencyMs, gradLatencyMs = latencyMs, forwardMs, gradMs } of costs.transfers ?? []) {
    add({ stage: from, phase: "F", microbatch: 0 }, { stage: to, phase: "F", microbatch: 0 }, forwardMs, latencyMs);
    add({ stage: to, phase: "I", microbatch: 0 }, { stage: from, phase: "I", microbatch: 0 }, gradMs, gradLatencyMs);
  }
  return deliveries;
}

/** Rows of tasks from a schedule: a B becomes I and W if the problem is split. Requires: same placement. */
export function taskRows(tasks: Tasks, schedule: Schedule): Uint16Array[] {
  return schedule.rows.map((row) =>
    Uint16Array.from(
      row.flatMap(({ stage, phase }) => {
        const f = stage * TASKS_PER_STAGE;
        if (phase === "F") return [f];
        if (phase === "B") return tasks.split ? [f + 1, f + 2] : [f + 1];
        invariant(tasks.split, "a problem of whole backwards has no I or W");
        return [phase === "I" ? f + 1 : f + 2];
      }),
    ),
  );
}

/** A schedule from rows of tasks. The copies of the model take the microbatches in turn. */
export function scheduleOf(tasks: Tasks, rows: readonly Uint16Array[], name: string): Schedule {
  const { problem } = tasks;
  const { replicas = 1 } = problem;
  const phases: readonly Phase[] = tasks.split ? ["F", "I", "W"] : ["F", "B"];
  const perReplica = problem.placement.length / replicas;
  const microbatches = problem.microbatches * replicas;
  const actions = rows.map((row) => {
    const counts = new Int32Array(tasks.count);
    return Array.from(row, (task): Action => {
      const phase = phases[task % TASKS_PER_STAGE]!;
      const stage = Math.floor(task / TASKS_PER_STAGE);
      return { stage, phase, microbatch: replicas * counts[task]!++ + Math.floor(stage / perReplica) };
    });
  });
  return {
    name,
    devices: problem.devices,
    stages: problem.placement.length,
    microbatches,
    placement: problem.placement,
    rows: actions,
    ...(replicas > 1 && { replicas, replicaOf: Array.from({ length: microbatches }, (_, m) => m % replicas) }),
  };
}
