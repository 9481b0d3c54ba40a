/** @file Random schedules of every kind that plans run, and random values that their programs hand to each other. */
import fc from "fast-check";
import type { Value } from "../../../compiler/ir/graph.js";
import type { ProgramKey } from "../../../compiler/plan/placed.js";
import type { ProgramKind } from "../../../compiler/plan/plan.js";
import type { Crossing } from "../../../compiler/plan/ports.js";
import type { Schedule } from "../../../compiler/schedule/action.js";
import { canonicalSchedule } from "../../../compiler/schedule/canonical.js";
import { SCHEDULES } from "../../../compiler/schedule/registry.js";
import { sizeOf } from "../../contract/schedule-sizes.js";

/** Schedules that hold one copy of the model, by name. */
export const runnableSchedules: readonly (readonly [string, fc.Arbitrary<Schedule>])[] = SCHEDULES.filter(
  ({ name }) => name !== "dualpipe" && name !== "chimera",
).map(({ name, build }) => [name, sizeOf(name).map((size) => canonicalSchedule(build(size)))] as const);

/** Programs that may read what a program makes: forwards of later stages, backwards of the same and earlier ones. */
function possibleReaders(schedule: Schedule, maker: ProgramKey): readonly ProgramKey[] {
  const kinds = programKinds(schedule);
  const isReader = (key: ProgramKey): boolean => {
    if (maker.kind === "forward") return key.kind === "forward" ? key.stage > maker.stage : key.stage >= maker.stage;
    if (key.kind === "forward" || maker.kind === "weight-grad") return false;
    return (
      key.stage < maker.stage ||
      (key.stage === maker.stage && key.kind === "weight-grad" && maker.kind === "input-grad")
    );
  };
  const all = kinds.flatMap((list, stage) => list.map((kind) => ({ stage, kind })));
  return all.filter(isReader);
}

/** By stage. */
function programKinds({ stages, rows }: Schedule): readonly (readonly ProgramKind[])[] {
  const split = new Set(rows.flatMap((row) => row.filter(({ phase }) => phase === "I").map(({ stage }) => stage)));
  return Array.from({ length: stages }, (_, stage) =>
    split.has(stage) ? ["forward", "input-grad", "weight-grad"] : ["forward", "backward"],
  );
}

/** Up to eight values with random makers and readers. */
export function crossingsOf(schedule: Schedule): fc.Arbitrary<Crossing[]> {
  const makers = programKinds(schedule)
    .flatMap((kinds, stage) => kinds.map((kind) => ({ stage, kind })))
    .filter((maker) => possibleReaders(schedule, maker).length > 0);
  const crossing = fc.constantFrom(...makers).chain((maker) => {
    const possible = possibleReaders(schedule, maker);
    const maxLength = Math.min(3, possible.length);
    return fc.subarray([...possible], { minLength: 1, maxLength }).map((readers) => ({ maker, readers }));
  });
  return fc.array(crossing, { minLength: 1, maxLength: 8 }).map((list) =>
    list.map(({ maker, readers }, id): Crossing => {
      const value: Value = { id, name: `v${id}`, type: { dtype: "float32", shape: [id + 1] } };
      return { value, maker, readers };
    }),
  );
}
