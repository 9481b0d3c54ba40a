/** @file Checks of a schedule that need no order: sizes, single cells, completeness. */
import type { Action, Schedule } from "./action.js";
import { formatAction, replicaOf, stagesPerReplica } from "./action.js";
import type { Fault } from "./fault.js";
import { ActionIndex } from "./flat.js";

/** V2: as many rows as devices, a device for every stage, and equal copies of the model with routed microbatches. */
export function shapeFault(schedule: Schedule): Fault | undefined {
  const { devices, stages, microbatches, placement, rows, replicas = 1, replicaOf: routes } = schedule;
  const fault = (wrong: string, advice: string): Fault => ({ invariant: "V2", wrong, advice });
  if (rows.length !== devices || placement.length !== stages)
    return fault(
      `sizes disagree; got ${rows.length} rows, ${placement.length} placed stages expected ${devices} rows, ${stages} placed stages`,
      "Correct the sizes",
    );
  const stray = placement.findIndex((device) => !(Number.isInteger(device) && device >= 0 && device < devices));
  if (stray >= 0)
    return fault(
      `stage ${stray} has no device; got ${placement[stray]} expected 0 to ${devices - 1}`,
      "Correct the placement",
    );
  const routed =
    replicas === 1 ? !routes : routes?.length === microbatches && routes.every((copy) => copy >= 0 && copy < replicas);
  if (routed && Number.isInteger(stages / replicas)) return undefined;
  return fault(
    `copies disagree; got ${stages} stages in ${replicas} copies, ${routes?.length ?? 0} routed microbatches expected equal copies and a copy for each of ${microbatches} microbatches`,
    "Correct replicas and replicaOf",
  );
}

/** V2 and V3, each cell for itself: known stage, microbatch and device, and not seen before. */
export function cellFault(schedule: Schedule): Fault | undefined {
  const seen = new Map<string, number>();
  for (const [device, row] of schedule.rows.entries()) {
    for (const [position, action] of row.entries()) {
      const text = formatAction(action);
      const before = seen.get(text);
      const fault =
        before === undefined
          ? strayFault(schedule, action, device)
          : ({
              invariant: "V3",
              wrong: `${text} stands twice; got a second one expected only the one at position ${before}`,
              advice: "Remove one",
            } as const);
      if (fault) return { ...fault, device, position };
      seen.set(text, position);
    }
  }
  return undefined;
}

function strayFault(schedule: Schedule, action: Action, device: number): Fault | undefined {
  const { stages, microbatches, placement } = schedule;
  const { stage, microbatch } = action;
  const fault = (wrong: string, got: number, expected: string | number, advice: string): Fault => {
    return { invariant: "V2", wrong: `${formatAction(action)} ${wrong}; got ${got} expected ${expected}`, advice };
  };
  if (!(stage >= 0 && stage < stages))
    return fault("has no such stage", stage, `0 to ${stages - 1}`, "Correct the stage");
  if (!(microbatch >= 0 && microbatch < microbatches))
    return fault("has no such microbatch", microbatch, `0 to ${microbatches - 1}`, "Correct the microbatch");
  if (placement[stage] !== device)
    return fault("stands on the wrong device", device, placement[stage]!, "Move it or change the placement");
  const copy = Math.floor(stage / stagesPerReplica(schedule));
  if (copy !== replicaOf(schedule, microbatch))
    return fault(
      "runs in the wrong copy of the model",
      copy,
      replicaOf(schedule, microbatch),
      "Route each microbatch through one copy",
    );
  return undefined;
}

/** V3: every stage has F and either B or both I and W of each of its microbatches. Requires: cellFault found nothing. */
export function completenessFault(schedule: Schedule): Fault | undefined {
  const index = new ActionIndex(schedule);
  const perReplica = stagesPerReplica(schedule);
  for (let microbatch = 0; microbatch < schedule.microbatches; microbatch++) {
    const first = replicaOf(schedule, microbatch) * perReplica;
    for (let stage = first; stage < first + perReplica; stage++) {
      const has = (["F", "B", "I", "W"] as const)
        .filter((phase) => index.get({ stage, phase, microbatch }) >= 0)
        .join("");
      if (has === "FB" || has === "FIW") continue;
      const device = schedule.placement[stage]!;
      const position = schedule.rows[device]!.findIndex((a) => a.stage === stage && a.microbatch === microbatch);
      return {
        invariant: "V3",
        wrong: `stage ${stage} does not do all of microbatch ${microbatch}; got ${has || "nothing"} expected FB or FIW`,
        advice: "Add what is missing or remove what is too much",
        ...(position >= 0 && { device, position }),
      };
    }
  }
  return undefined;
}
