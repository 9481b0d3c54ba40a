/**
 * @file What waits for what: the only statement of it. Everything else (check, simulation, bound, search, lowering)
 * asks here.
 *
 *   F of a stage    waits for F of the stage before
 *   B or I          waits for its own F, and for B or I of the stage after
 *   W               waits for its own I
 *   W or B of copy 0, if it sums in order, also waits for W or B of the microbatch before on another copy
 */
import type { Action, Schedule } from "./action.js";
import { stagesPerReplica } from "./action.js";

/** Where the data runs: the number of stages, and of copies of the model. A Schedule is one. */
export type Flow = Pick<Schedule, "stages" | "replicas" | "replicaOf" | "sums">;

/** The phase that makes the gradient to the inputs of a stage for a microbatch: whole backward or its first half. */
export type GradientPhase = (stage: number, microbatch: number) => "B" | "I";

/** Actions that must be done before `action` starts. At most two of the same microbatch, and one of the one before. */
export function dependencies(action: Action, flow: Flow, gradientPhase: GradientPhase): Action[] {
  const { stage, phase, microbatch } = action;
  const summed = phase === "W" || phase === "B" ? summedBefore(action, flow, gradientPhase) : [];
  if (phase === "W") return [{ stage, phase: "I", microbatch }, ...summed];
  const perReplica = stagesPerReplica(flow);
  const position = stage % perReplica;
  if (phase === "F") return position === 0 ? [] : [{ stage: stage - 1, phase: "F", microbatch }];
  const own: Action = { stage, phase: "F", microbatch };
  if (position === perReplica - 1) return [own, ...summed];
  return [own, { stage: stage + 1, phase: gradientPhase(stage + 1, microbatch), microbatch }, ...summed];
}

/** The gradient that the sum of copy 0 takes just before this one, if another copy makes it. */
function summedBefore({ stage, microbatch }: Action, flow: Flow, gradientPhase: GradientPhase): Action[] {
  const perReplica = stagesPerReplica(flow);
  if (!flow.sums || microbatch === 0 || stage >= perReplica) return [];
  const copy = flow.replicaOf![microbatch - 1]!;
  if (copy === 0) return [];
  const partner = copy * perReplica + stage;
  const phase = gradientPhase(partner, microbatch - 1) === "B" ? "B" : "W";
  return [{ stage: partner, phase, microbatch: microbatch - 1 }];
}
