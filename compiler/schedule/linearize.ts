/** @file One order of all actions that every dependency and every row agrees with. */
import type { Action, Schedule } from "./action.js";
import { actionOf, flatten, usersOf } from "./flat.js";
import type { Timeline } from "./simulate.js";

/** An action and where it stands: `schedule.rows[device][position]`. */
export interface PlacedAction extends Action {
  readonly device: number;
  readonly position: number;
}

/**
 * All actions by simulated start. Actions that start together follow their dependencies and their row, then the number
 * of the device. Requires: `timeline` is of this schedule. Cost: O(n log n).
 */
export function linearize(schedule: Schedule, timeline: Timeline): PlacedAction[] {
  const flat = flatten(schedule);
  const startMs = new Float64Array(flat.count);
  timeline.startMs.forEach((row, d) => startMs.set(row, flat.rowStart[d]));
  const depth = depths();
  const ids = Array.from({ length: flat.count }, (_, id) => id);
  ids.sort((a, b) => startMs[a]! - startMs[b]! || depth[a]! - depth[b]! || a - b);
  return ids.map((id) => {
    const device = flat.device[id]!;
    return { ...actionOf(flat, id), device, position: id - flat.rowStart[device]! };
  });

  /** Longest chain of dependencies and row neighbours before each action: equal starts need this to stay in order. */
  function depths(): Int32Array {
    const { start, users } = usersOf(flat);
    const isFirst = (id: number) => id === flat.rowStart[flat.device[id]!]!;
    const missing = new Int32Array(flat.count);
    const depth = new Int32Array(flat.count);
    const ready: number[] = [];
    for (let id = 0; id < flat.count; id++) {
      missing[id] = flat.needStart[id + 1]! - flat.needStart[id]! + (isFirst(id) ? 0 : 1);
      if (missing[id] === 0) ready.push(id);
    }
    const release = (id: number, after: number): void => {
      depth[id] = Math.max(depth[id]!, depth[after]! + 1);
      if (--missing[id]! === 0) ready.push(id);
    };
    while (ready.length > 0) {
      const id = ready.pop()!;
      for (let k = start[id]!; k < start[id + 1]!; k++) release(users[k]!, id);
      if (id + 1 < flat.count && !isFirst(id + 1)) release(id + 1, id);
    }
    return depth;
  }
}
