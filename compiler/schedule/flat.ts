/**
 * @file A schedule in typed arrays, for passes that visit every action many times. Action ids count through the rows:
 * the ids of a device are contiguous and in row order.
 */
import { invariant } from "../errors.js";
import type { Action, Phase, Schedule } from "./action.js";
import { formatAction } from "./action.js";
import { dependencies } from "./order.js";

/** Phases by code. */
const PHASES: readonly Phase[] = ["F", "B", "I", "W"];
/** Codes by phase. */
const PHASE_CODE: Readonly<Record<Phase, number>> = { F: 0, B: 1, I: 2, W: 3 };

/** `phase` holds indices into PHASES. Row of device d: ids rowStart[d] … rowStart[d+1] − 1. */
export interface FlatSchedule {
  readonly count: number;
  readonly devices: number;
  readonly stages: number;
  readonly microbatches: number;
  readonly stage: Int32Array;
  readonly phase: Uint8Array;
  readonly microbatch: Int32Array;
  readonly device: Int32Array;
  readonly rowStart: Int32Array;
  /** Dependencies of action a: needs[needStart[a]] … needs[needStart[a+1] − 1]. */
  readonly needStart: Int32Array;
  readonly needs: Int32Array;
}

/** Id of every (stage, phase, microbatch) of a schedule, −1 where it has none. */
export class ActionIndex {
  private readonly ids: Int32Array;
  private readonly microbatches: number;

  constructor(schedule: Schedule) {
    this.microbatches = schedule.microbatches;
    this.ids = new Int32Array(schedule.stages * schedule.microbatches * PHASES.length).fill(-1);
    let id = 0;
    for (const row of schedule.rows) for (const action of row) this.ids[this.slot(action)] = id++;
  }

  get(action: Action): number {
    return this.ids[this.slot(action)] ?? -1;
  }

  /** B if the schedule runs a whole backward there, else I. */
  readonly gradientPhase = (stage: number, microbatch: number): "B" | "I" =>
    this.get({ stage, phase: "B", microbatch }) >= 0 ? "B" : "I";

  private slot({ stage, phase, microbatch }: Action): number {
    return (stage * this.microbatches + microbatch) * PHASES.length + PHASE_CODE[phase];
  }
}

/** Requires: every dependency of every action is in the schedule (check.ts says so). Cost: linear. */
export function flatten(schedule: Schedule): FlatSchedule {
  const count = schedule.rows.reduce((sum, row) => sum + row.length, 0);
  const index = new ActionIndex(schedule);
  const flat = {
    count,
    devices: schedule.devices,
    stages: schedule.stages,
    microbatches: schedule.microbatches,
    stage: new Int32Array(count),
    phase: new Uint8Array(count),
    microbatch: new Int32Array(count),
    device: new Int32Array(count),
    rowStart: new Int32Array(schedule.devices + 1),
    needStart: new Int32Array(count + 1),
  };
  const needs: number[] = [];
  let id = 0;
  schedule.rows.forEach((row, device) => {
    for (const action of row) {
      flat.stage[id] = action.stage;
      flat.phase[id] = PHASE_CODE[action.phase];
      flat.microbatch[id] = action.microbatch;
      flat.device[id] = device;
      for (const need of dependencies(action, schedule, index.gradientPhase)) {
        const needed = index.get(need);
        invariant(
          needed >= 0,
          `${schedule.name}: ${formatAction(action)} needs ${formatAction(need)}, which no row has`,
        );
        needs.push(needed);
      }
      flat.needStart[++id] = needs.length;
    }
    flat.rowStart[device + 1] = id;
  });
  return { ...flat, needs: Int32Array.from(needs) };
}

/** The action with this id. */
export function actionOf(flat: FlatSchedule, id: number): Action {
  return { stage: flat.stage[id]!, phase: PHASES[flat.phase[id]!]!, microbatch: flat.microbatch[id]! };
}

/** Inverse of the dependencies: users of action a are users[start[a]] … users[start[a+1] − 1]. */
export function usersOf(flat: FlatSchedule): { readonly start: Int32Array; readonly users: Int32Array } {
  const start = new Int32Array(flat.count + 1);
  for (const need of flat.needs) start[need + 1]!++;
  for (let id = 0; id < flat.count; id++) start[id + 1]! += start[id]!;
  const fill = start.slice(0, flat.count);
  const users = new Int32Array(flat.needs.length);
  for (let id = 0; id < flat.count; id++) {
    for (let k = flat.needStart[id]!; k < flat.needStart[id + 1]!; k++) users[fill[flat.needs[k]!]!++] = id;
  }
  return { start, users };
}
