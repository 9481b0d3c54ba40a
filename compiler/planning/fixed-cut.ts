/**
 * @file The last resort for cuts of other tools' methods. These know no memory limits, so there is one cut to keep or to
 * refuse, whatever limits it is asked for under.
 */
import { PipewrightError } from "../errors.js";
import type { Partition, PartitionProblem } from "../partition/problem.js";
import { withoutLimits } from "./fit-memory.js";
import type { Fitter, Fitting } from "./fitter.js";
import { isInfeasible } from "./infeasible.js";
import { lessAgain } from "./less-again.js";

export interface FixedCutOptions {
  readonly problem: PartitionProblem;
  readonly fitter: Fitter;
  readonly partition: (problem: PartitionProblem) => Promise<Partition>;
  readonly isTimeUp: () => Promise<boolean>;
}

/**
 * What `make` gives, or, where that fails for the cut of another method, the plan of that cut as it is, if it fits.
 * @throws what `make` throws; PLAN_INFEASIBLE with what the plan holds if its cut lacks nothing but memory.
 */
export async function orFixedCut(
  make: () => Promise<Fitting | undefined>,
  { problem, fitter, partition, isTimeUp }: FixedCutOptions,
): Promise<Fitting | undefined> {
  try {
    return await make();
  } catch (error) {
    if (!isInfeasible(error) || error.details["method"] === undefined) throw error;
    const { recompute, ...free } = withoutLimits(problem);
    const { stageOf, solver } = await partition(free);
    const less = recompute === "auto" && (await lessAgain(stageOf, solver, { fitter, problem, isTimeUp }));
    if (less) return less;
    const most = fitter.relink(recompute ? { ...problem, recompute: "all" } : problem, stageOf, solver);
    const device = most.heldBytes.findIndex((bytes, at) => bytes > (fitter.limits[at] ?? Infinity));
    if (device < 0) return most;
    const { name, memoryBytes } = most.placed.cluster.devices[device]!;
    const heldBytes = most.heldBytes[device]!;
    throw new PipewrightError(
      "PLAN_INFEASIBLE",
      `partition: the cut of ${solver} does not fit into memory; got a limit of ${memoryBytes} bytes on device ${name}, ` +
        `expected ${heldBytes} or more${recompute ? ", with all forward passes running again" : ""}. It knows no memory ` +
        `limits: use --method auto, or give more memory${recompute ? "" : ", or allow --recompute auto"}.`,
      { method: error.details["method"], device: name, memoryBytes, heldBytes },
    );
  }
}
