/**
 * @file A makespan that no schedule of a problem can beat. Heads and tails from three kinds of edges, then the best
 * interruptible schedule of each device alone.
 *
 *   E1  dependencies, with the time of their message
 *   E2  run k of a task before its run k + 1 (see tasks.ts: some optimal schedule is like that)
 *   E3  memory. On a device with capacity C, let stage x come with local stages y ≤ x before it and z ≥ x after it, all
 *       of the same copy of the model (what other copies keep can only make it worse).
 *       While I(z,k) has not ended, stages y ≤ x keep microbatches k, k + 1, … up to the newest at x, and stages
 *       between x and z will have to keep k before anything is given back. So I(z,k) → F(x,k+K) for the least K with
 *       (K + 1)·Σ_{y≤x} size + Σ_{x<y≤z} size > C. Likewise W(x,k) → F(x,k+K) for the least K with
 *       K·late(x) + Σ_{y≤x} size > C.
 *
 * None of the edges excludes all optimal schedules, so the longest path and Jackson's one-machine bound hold.
 * Cost: O(n·V + n log n) for n actions and V stages per device.
 */
import { PipewrightError, invariant } from "../errors.js";
import { jacksonBound } from "./jackson.js";
import type { SchedulingProblem } from "./problem.js";
import { checkProblem, localStages } from "./problem.js";
import type { Tasks } from "./tasks.js";
import { TASKS_PER_STAGE, tasksOf } from "./tasks.js";

/** Ms that every schedule of the problem takes at least. @throws PLAN_INFEASIBLE if the memory is too small for any. */
export function makespanBound(problem: SchedulingProblem): number {
  checkProblem(problem);
  return boundOf(tasksOf(problem)).boundMs;
}

/** The bound and what it is made of: per run (task · microbatches + k), Ms that must pass before and after it. */
export interface Bound {
  readonly boundMs: number;
  readonly headMs: Float64Array;
  readonly tailMs: Float64Array;
}

/** As makespanBound, with heads and tails. Requires: checkProblem accepts the problem of `tasks`. @throws PLAN_INFEASIBLE */
export function boundOf(tasks: Tasks): Bound {
  const { microbatches, count, ms } = tasks;
  const runs = count * microbatches;
  const edges = edgesOf(tasks);
  const order = topologicalOrder(runs, edges);
  const run = (id: number) => ms[Math.floor(id / microbatches)]!;
  const headMs = new Float64Array(runs);
  for (const id of order)
    for (const { to, lagMs } of edges[id]!) headMs[to] = Math.max(headMs[to]!, headMs[id]! + run(id) + lagMs);
  const tailMs = new Float64Array(runs);
  for (const id of order.reverse())
    for (const { to, lagMs } of edges[id]!) tailMs[id] = Math.max(tailMs[id]!, lagMs + run(to) + tailMs[to]!);
  let boundMs = 0;
  for (const local of tasks.ofDevice) {
    const ids = local.flatMap((task) => Array.from({ length: microbatches }, (_, k) => task * microbatches + k));
    const pick = (of: (id: number) => number) => Float64Array.from(ids, of);
    const device = jacksonBound(
      pick((id) => headMs[id]!),
      pick(run),
      pick((id) => tailMs[id]!),
    );
    boundMs = Math.max(boundMs, device);
  }
  return { boundMs, headMs, tailMs };
}

interface Edge {
  readonly to: number;
  readonly lagMs: number;
}

function edgesOf(tasks: Tasks): Edge[][] {
  const { microbatches, count, deliveries, split, problem } = tasks;
  const edges = Array.from({ length: count * microbatches }, (): Edge[] => []);
  const link = (from: number, to: number, ahead: number, lagMs = 0): void => {
    for (let k = 0; k + ahead < microbatches; k++)
      edges[from * microbatches + k]!.push({ to: to * microbatches + k + ahead, lagMs });
  };
  for (let task = 0; task < count; task++) {
    link(task, task, 1);
    for (const { to, wireMs, latencyMs } of deliveries[task]!) link(task, to, 0, wireMs + latencyMs);
  }
  problem.placement.forEach((_, stage) => {
    const f = stage * TASKS_PER_STAGE;
    link(f, f + 1, 0);
    if (split) link(f + 1, f + 2, 0);
  });
  problem.capacity?.forEach((capacity, device) => {
    for (const local of localStages(problem, device)) memoryEdges(tasks, local, device, capacity, link);
  });
  return edges;
}

function memoryEdges(
  { takes, returns, split }: Tasks,
  local: readonly number[],
  device: number,
  capacity: number,
  link: (from: number, to: number, ahead: number) => void,
): void {
  const room = capacity * (1 + 1e-12);
  let upTo = 0;
  local.forEach((x, i) => {
    const f = x * TASKS_PER_STAGE;
    upTo += takes[f]!;
    if (upTo > room)
      throw new PipewrightError(
        "PLAN_INFEASIBLE",
        `device ${device}: one microbatch does not fit; got capacity ${capacity} expected at least ${upTo} for its first ${i + 1} stages. Give it more memory or fewer stages.`,
        { device, capacity },
      );
    let between = 0;
    for (const z of local.slice(i)) {
      if (z !== x) between += takes[z * TASKS_PER_STAGE]!;
      link(z * TASKS_PER_STAGE + 1, f, Math.floor((room - between) / upTo));
    }
    const late = returns[f + 2]!;
    if (split && late > 0) link(f + 2, f, Math.floor((room - upTo) / late) + 1);
  });
}

/** Requires: no circle (E1 to E3 have none if each microbatch fits on its own). */
function topologicalOrder(runs: number, edges: readonly (readonly Edge[])[]): Int32Array {
  const missing = new Int32Array(runs);
  for (const list of edges) for (const { to } of list) missing[to]!++;
  const order = new Int32Array(runs);
  let filled = 0;
  for (let id = 0; id < runs; id++) if (missing[id] === 0) order[filled++] = id;
  for (let next = 0; next < filled; next++)
    for (const { to } of edges[order[next]!]!) if (--missing[to]! === 0) order[filled++] = to;
  invariant(filled === runs, "the edges of the bound form a circle");
  return order;
}
