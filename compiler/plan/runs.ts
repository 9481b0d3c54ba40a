/**
 * @file Which action of a schedule runs a program for a microbatch. Mostly the one of its stage and phase; what adds the
 * gradients of another copy of the model to a sum runs with the next backward of the stage that has the sum.
 */
import { invariant } from "../errors.js";
import type { Action, Phase, Schedule } from "../schedule/action.js";
import { replicaOf, splitStages, stagesPerReplica } from "../schedule/action.js";
import type { ProgramKey } from "./placed.js";
import type { ProgramKind } from "./plan.js";

/** Phase that runs a program; what adds gradients of other copies runs with others, see runsOf. */
export const PHASE_OF: Readonly<Record<Exclude<ProgramKind, "add">, Phase>> = {
  forward: "F",
  backward: "B",
  "input-grad": "I",
  "weight-grad": "W",
};

/** The action that runs a program for a microbatch. Requires: not "add". */
export function actionOf({ stage, kind }: ProgramKey, microbatch: number): Action {
  invariant(kind !== "add", `no action of its own adds gradients on stage ${stage}`);
  return { stage, phase: PHASE_OF[kind], microbatch };
}

/** A number for each action of a schedule, unique and dense enough for maps. */
export function actionKey({ stage, phase, microbatch }: Action, microbatches: number): number {
  return (stage * microbatches + microbatch) * 4 + "FBIW".indexOf(phase);
}

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
