/** @file What bound and search start from: devices, placed stages, costs and memory, without an order yet. */
import { PipewrightError } from "../errors.js";
import type { Schedule } from "./action.js";
import type { ScheduleCosts } from "./costs.js";
import { checkCosts } from "./costs.js";

/** All microbatches are alike, and one copy of the model runs. */
export interface SchedulingProblem {
  readonly devices: number;
  readonly microbatches: number;
  /** Device of each stage. */
  readonly placement: readonly number[];
  /** `overlap` must be absent: a bound for overlapped pairs is not known. */
  readonly costs: ScheduleCosts;
  /** I and W are apart (the default), or one B. */
  readonly split?: boolean;
  /** Most stash of each device, in the units of `costs.stash`. Absent: no limit. */
  readonly capacity?: readonly number[];
}

/** The problem that a schedule is one answer to. @throws USAGE for several copies of the model. */
export function problemOf(schedule: Schedule, costs: ScheduleCosts, capacity?: readonly number[]): SchedulingProblem {
  if ((schedule.replicas ?? 1) > 1)
    throw new PipewrightError(
      "USAGE",
      `schedule ${schedule.name}: bound and search know one copy of the model; got ${schedule.replicas} copies expected 1. Choose another schedule.`,
    );
  const { devices, microbatches, placement } = schedule;
  const split = schedule.rows.some((row) => row.some(({ phase }) => phase === "I"));
  return { devices, microbatches, placement, costs, split, ...(capacity && { capacity }) };
}

/** Stops with USAGE if the parts do not fit each other. */
export function checkProblem({ devices, placement, microbatches, costs, capacity }: SchedulingProblem): void {
  checkCosts(placement.length, costs);
  const refuse = (wrong: string): never => {
    throw new PipewrightError("USAGE", `scheduling problem: ${wrong}. Correct the problem.`);
  };
  if (!(Number.isInteger(microbatches) && microbatches >= 1))
    refuse(`bad number of microbatches; got ${microbatches} expected a whole number of at least 1`);
  const stray = placement.find((device) => !(device >= 0 && device < devices));
  if (stray !== undefined) refuse(`a stage has no device; got ${stray} expected 0 to ${devices - 1}`);
  if (capacity && capacity.length !== devices)
    refuse(`capacity does not fit; got ${capacity.length} numbers expected ${devices}`);
  if (costs.overlap !== undefined) refuse(`costs have an overlap; got ${costs.overlap} expected none`);
}
