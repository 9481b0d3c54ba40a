/** @file The shortest makespan of a tiny problem by trying every order of every row. */
import type { Action, Schedule } from "../../../compiler/schedule/action.js";
import { scheduleFault } from "../../../compiler/schedule/check.js";
import { peakStash } from "../../../compiler/schedule/in-flight.js";
import type { SchedulingProblem } from "../../../compiler/schedule/problem.js";
import { simulate } from "../../../compiler/schedule/simulate.js";

/**
 * Infinity if no order fits the memory. `inMicrobatchOrder` tries only rows in which every phase of a stage takes the
 * microbatches in ascending order. Cost: all products of all interleavings; for at most about 10 actions per device.
 */
export function shortestMakespan(
  problem: SchedulingProblem,
  { inMicrobatchOrder }: { inMicrobatchOrder: boolean },
): number {
  const { devices, placement, costs, capacity, split = true, replicas = 1 } = problem;
  const microbatches = problem.microbatches * replicas;
  const perReplica = placement.length / replicas;
  const routes = Array.from({ length: microbatches }, (_, microbatch) => microbatch % replicas);
  const copies = replicas > 1 ? { replicas, replicaOf: routes } : {};
  const base = { name: "tried", devices, stages: placement.length, microbatches, placement, ...copies };
  const choices = Array.from({ length: devices }, (_, d) => {
    const local = [...placement.keys()].filter((stage) => placement[stage] === d);
    const chains = local.flatMap((stage) =>
      [...routes.keys()]
        .filter((microbatch) => routes[microbatch] === Math.floor(stage / perReplica))
        .map((microbatch) =>
          (split ? (["F", "I", "W"] as const) : (["F", "B"] as const)).map((phase): Action => ({
            stage,
            phase,
            microbatch,
          })),
        ),
    );
    return interleavings(chains, inMicrobatchOrder).filter((row) => {
      const [peak] = peakStash({ ...base, rows: [row] }, costs.stash);
      return peak! <= (capacity?.[d] ?? Infinity) + 1e-9;
    });
  });
  let best = Infinity;
  const visit = (rows: Action[][]): void => {
    if (rows.length < devices) {
      for (const row of choices[rows.length]!) visit([...rows, row]);
      return;
    }
    const schedule: Schedule = { ...base, rows };
    if (!scheduleFault(schedule)) best = Math.min(best, simulate(schedule, costs).makespanMs);
  };
  visit([]);
  return best;
}

/** All merges of chains. */
function interleavings(chains: readonly (readonly Action[])[], inMicrobatchOrder: boolean): Action[][] {
  const rows: Action[][] = [];
  const next = chains.map(() => 0);
  const total = chains.reduce((sum, chain) => sum + chain.length, 0);
  const isEarly = (action: Action, row: readonly Action[]) =>
    row.filter((a) => a.stage === action.stage && a.phase === action.phase).length !== action.microbatch;
  const visit = (row: Action[]): void => {
    if (row.length === total) rows.push([...row]);
    chains.forEach((chain, c) => {
      const action = chain[next[c]!];
      if (!action || (inMicrobatchOrder && isEarly(action, row))) return;
      next[c]!++;
      row.push(action);
      visit(row);
      row.pop();
      next[c]!--;
    });
  };
  visit([]);
  return rows;
}
