/** @file What bound and search start from: devices, placed stages, costs and memory, without an order yet. */
import { PipewrightError } from "../errors.js";
import type { Schedule } from "./action.js";
import { replicaOf, splitStages } from "./action.js";
import type { ScheduleCosts } from "./costs.js";
import { checkCosts } from "./costs.js";

/** All microbatches are alike. */
export interface SchedulingProblem {
  readonly devices: number;
  /** Of each copy of the model. */
  readonly microbatches: number;
  /** Device of each stage. */
  readonly placement: readonly number[];
  /** Copies of the model, as in a Schedule; 1 if absent. Each runs `microbatches`. */
  readonly replicas?: number;
  /** `overlap` must be absent: a bound for overlapped pairs is not known. */
  readonly costs: ScheduleCosts;
  /** I and W are apart (the default), or one B. */
  readonly split?: boolean;
  /** Most stash of each device, in the units of `costs.stash`. Absent: no limit. */
  readonly capacity?: readonly number[];
}

/** The problem that a schedule is one answer to. @throws USAGE if its copies run different numbers of microbatches. */
export function problemOf(schedule: Schedule, costs: ScheduleCosts, capacity?: readonly number[]): SchedulingProblem {
  const { devices, placement, replicas = 1 } = schedule;
  const counts = Array.from({ length: replicas }, () => 0);
  for (let m = 0; m < schedule.microbatches; m++) counts[replicaOf(schedule, m)]!++;
  if (counts.some((count) => count !== counts[0]))
    throw new PipewrightError(
      "USAGE",
      `schedule ${schedule.name}: bound and search need as many microbatches for every copy of the model; got ${counts.join(", ")}. Route them evenly.`,
    );
  const split = splitStages(schedule).includes(true);
  const shape = { devices, microbatches: counts[0]!, placement, ...(replicas > 1 && { replicas }) };
  return { ...shape, costs, split, ...(capacity && { capacity }) };
}

/** Stops with USAGE if the parts do not fit each other. */
export function checkProblem(problem: SchedulingProblem): void {
  const { devices, placement, microbatches, costs, capacity, replicas = 1 } = problem;
  checkCosts(placement.length, costs);
  const refuse = (wrong: string): never => {
    throw new PipewrightError("USAGE", `scheduling problem: ${wrong}. Correct the problem.`);
  };
  if (!(Number.isInteger(microbatches) && microbatches >= 1))
    refuse(`bad number of microbatches; got ${microbatches} expected a whole number of at least 1`);
  const stray = placement.find((device) => !(device >= 0 && device < devices));
  if (stray !== undefined) refuse(`a stage has no device; got ${stray} expected 0 to ${devices - 1}`);
  const parts = placement.length / replicas;
  const stranger = costs.transfers?.find(({ from, to }) => Math.floor(from / parts) !== Math.floor(to / parts));
  if (stranger)
    refuse(
      `a transfer leaves its copy of the model; got stage ${stranger.from} to ${stranger.to} expected stages of one copy of ${parts}`,
    );
  if (capacity && capacity.length !== devices)
    refuse(`capacity does not fit; got ${capacity.length} numbers expected ${devices}`);
  if (costs.overlap !== undefined) refuse(`costs have an overlap; got ${costs.overlap} expected none`);
}

/** Stages of a device along the data flow, one list for each copy of the model that has some there. */
export function localStages({ placement, replicas = 1 }: SchedulingProblem, device: number): number[][] {
  const perReplica = placement.length / replicas;
  const lists = Array.from({ length: replicas }, (): number[] => []);
  placement.forEach((own, stage) => {
    if (own === device) lists[Math.floor(stage / perReplica)]!.push(stage);
  });
  return lists.filter((list) => list.length > 0);
}
