/**
 * @file What waits for what: the only statement of it. Everything else (check, simulation, bound, search, lowering)
 * asks here.
 *
 *   F of a stage    waits for F of the stage before
 *   B or I          waits for its own F, and for B or I of the stage after
 *   W               waits for its own I
 */
import type { Action } from "./action.js";
import { stagesPerReplica } from "./action.js";

/** Where the data runs: the number of stages, and of copies of the model. A Schedule is one. */
export interface Flow {
  readonly stages: number;
  readonly replicas?: number;
}

/** The phase that makes the gradient to the inputs of a stage for a microbatch: whole backward or its first half. */
export type GradientPhase = (stage: number, microbatch: number) => "B" | "I";

/** Actions of the same microbatch that must be done before `action` starts. At most two. */
export function dependencies(action: Action, flow: Flow, gradientPhase: GradientPhase): Action[] {
  const { stage, phase, microbatch } = action;
  if (phase === "W") return [{ stage, phase: "I", microbatch }];
  const perReplica = stagesPerReplica(flow);
  const position = stage % perReplica;
  if (phase === "F") return position === 0 ? [] : [{ stage: stage - 1, phase: "F", microbatch }];
  const own: Action = { stage, phase: "F", microbatch };
  if (position === perReplica - 1) return [own];
  return [own, { stage: stage + 1, phase: gradientPhase(stage + 1, microbatch), microbatch }];
}
