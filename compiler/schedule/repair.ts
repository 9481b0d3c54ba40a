/** @file Makes a changed row fit its device again. */
import type { Tasks } from "./tasks.js";
import { isForward } from "./tasks.js";

/**
 * Makes a row fit its device: where an F would pass `capacity`, pulls the next action that gives stash back in front
 * of it. False if that does not help, or if F, I and W of a stage stand in the wrong order. Changes `row`.
 */
export function repairRow(tasks: Tasks, row: Uint16Array, capacity: number, counts: Int32Array): boolean {
  const { takes, returns } = tasks;
  const room = capacity * (1 + 1e-9);
  counts.fill(0);
  let kept = 0;
  for (let i = 0; i < row.length; i++) {
    let task = row[i]!;
    if (isForward(task) && kept + takes[task]! > room) {
      let j = i + 1;
      while (j < row.length && !(returns[row[j]!]! > 0 && counts[row[j]!]! < counts[row[j]! - 1]!)) j++;
      if (j === row.length) return false;
      const release = row[j]!;
      row.copyWithin(i + 1, i, j);
      row[i] = task = release;
    }
    if (isForward(task)) kept += takes[task]!;
    else {
      if (counts[task]! >= counts[task - 1]!) return false;
      kept -= returns[task]!;
    }
    counts[task]!++;
  }
  return true;
}
