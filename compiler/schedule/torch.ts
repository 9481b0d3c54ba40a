/** @file What PyTorch's pipeline runtime can run, and the file for it. Facts tried with torch 2.13. */
import { PipewrightError } from "../errors.js";
import type { Schedule } from "./action.js";
import { stagesPerReplica } from "./action.js";
import { checkSchedule } from "./check.js";
import { writeCommsCsv, writeCsv } from "./csv.js";
import type { StagePair } from "./lower.js";
import { lower } from "./lower.js";

/** Which form of file, and what the schedule alone does not tell. */
export interface TorchOptions {
  /** "compute_only": PyTorch adds the messages. "compute_comms": it runs the file word by word. */
  readonly form: "compute_only" | "compute_comms";
  /** Stages that exchange tensors; default: neighbours. */
  readonly crossings?: readonly StagePair[];
  /** Groups of stages that share weights; default: none. */
  readonly tied?: readonly (readonly number[])[];
}

/**
 * The text that _PipelineScheduleRuntime._load_csv accepts. With messages, it has UNSHARD, RESHARD and REDUCE_GRAD of
 * each stage: without REDUCE_GRAD, PyTorch does not divide the gradients by the number of microbatches.
 * @throws SCHEDULE_INVALID with every reason why PyTorch cannot run it.
 */
export function writeTorchCsv(schedule: Schedule, options: TorchOptions): string {
  checkSchedule(schedule);
  const reasons = torchRefusals(schedule, options);
  if (reasons.length > 0)
    throw new PipewrightError(
      "SCHEDULE_INVALID",
      `schedule ${schedule.name}: PyTorch cannot run it; got ${reasons.join("; ")} expected none of these. Choose another schedule or placement.`,
      { schedule: schedule.name, reasons },
    );
  if (options.form === "compute_only") return writeCsv(schedule);
  return writeCommsCsv(lower(schedule, { sharded: true, results: "by arrival" }));
}

/** Why PyTorch cannot run a schedule; empty if it can. */
export function torchRefusals(schedule: Schedule, { crossings = [], tied = [] }: Partial<TorchOptions> = {}): string[] {
  const reasons: string[] = [];
  if ((schedule.replicas ?? 1) > 1) reasons.push(`${schedule.replicas} copies of the model (PyTorch runs one)`);
  const far = crossings.filter(({ from, to }) => to !== from + 1);
  if (far.length > 0)
    reasons.push(
      `tensors that skip stages, such as ${far[0]!.from} to ${far[0]!.to} (PyTorch sends to the next stage only)`,
    );
  if (tied.length > 0)
    reasons.push(`weights shared by stages ${tied[0]!.join(" and ")} (PyTorch does not sum their gradients)`);
  const last = stagesPerReplica(schedule) - 1;
  const forwards = schedule.rows.flat().filter(({ stage, phase }) => stage === last && phase === "F");
  const late = forwards.findIndex(({ microbatch }, k) => microbatch !== k);
  if (late >= 0)
    reasons.push(
      `microbatch ${forwards[late]!.microbatch} as number ${late} on the last stage (PyTorch counts its losses)`,
    );
  return reasons;
}
