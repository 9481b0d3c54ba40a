/**
 * @file Which action of a schedule runs a program for a microbatch. Mostly the one of its stage and phase; what adds the
 * gradients of another copy of the model to a sum runs with the next backward of the stage that has the sum.
 */
import type { Action, Schedule } from "../schedule/action.js";
import { replicaOf, splitStages, stagesPerReplica } from "../schedule/action.js";
import type { ProgramKey } from "./placed.js";
import { actionOf } from "./slots.js";

/** The action that runs a program for a microbatch; undefined if the stage does not run that microbatch. */
export type Runs = (program: ProgramKey, microbatch: number) => Action | undefined;

/** Requires: a schedule in the form that plans run. */
export function runsOf(schedule: Schedule): Runs {
  const perReplica = stagesPerReplica(schedule);
  const isSplit = splitStages(schedule);
  const copyAt = (stage: number): number => Math.floor(stage / perReplica);
  return (program, microbatch) => {
    const { stage, kind } = program;
    const isOwn = replicaOf(schedule, microbatch) === copyAt(stage);
    if (kind !== "add") return isOwn ? actionOf(program, microbatch) : undefined;
    if (isOwn) return undefined;
    let next = microbatch + 1;
    while (replicaOf(schedule, next) !== copyAt(stage)) next++;
    return { stage, phase: isSplit[stage] ? "W" : "B", microbatch: next };
  };
}
