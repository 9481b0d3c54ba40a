/** @file What goes from stage to stage in the forward pass. */
import type { Plan, PlanStage, StageProgram, TensorSpec } from "../../compiler/plan/plan.js";

/** A tensor between two stages. */
export interface Crossing extends Pick<TensorSpec, "name" | "dtype" | "shape"> {
  readonly producer: number;
  /** The last stage that reads it. */
  readonly reader: number;
}

/** The program of a stage's forward pass, which every stage has. */
export function forwardOf({ programs }: PlanStage): StageProgram {
  return programs.find(({ kind }) => kind === "forward")!;
}

/** Forward tensors that leave their stage, in the order of the plan. */
export function crossingsOf({ stages, slotGroups }: Plan): readonly Crossing[] {
  const readers = new Map<string, number>();
  for (const stage of stages)
    for (const { tensor, at } of forwardOf(stage).inputs) if (at === "slot") readers.set(tensor, stage.index);
  return slotGroups
    .filter(({ program }) => program === "forward")
    .flatMap(({ stage, values }) => values.map((value) => ({ ...value, producer: stage })))
    .flatMap(({ name, dtype, shape, producer }) => {
      const reader = readers.get(name);
      return reader === undefined || reader === producer ? [] : [{ name, dtype, shape, producer, reader }];
    });
}
