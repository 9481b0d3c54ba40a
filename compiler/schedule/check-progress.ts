/** @file Can the rows run to their end? If not, who waits for whom. */
import type { Action, Schedule } from "./action.js";
import { formatAction } from "./action.js";
import { shortestCircle } from "./circle.js";
import type { Fault } from "./fault.js";
import { ActionIndex } from "./flat.js";
import { dependencies } from "./order.js";

/** V4 if an action stands before what it waits for in its own row, V7 for a circle of several devices. */
export function progressFault(schedule: Schedule): Fault | undefined {
  const { rows, placement } = schedule;
  const index = new ActionIndex(schedule);
  const rowStart: number[] = [0];
  for (const row of rows) rowStart.push(rowStart.at(-1)! + row.length);
  const next = rows.map(() => 0);
  const unmet = (action: Action): Action[] =>
    dependencies(action, schedule, index.gradientPhase).filter((need) => {
      const device = placement[need.stage]!;
      return index.get(need) - rowStart[device]! >= next[device]!;
    });
  const waiting = new Map<number, number[]>();
  const ready = rows.map((_, d) => d);
  while (ready.length > 0) {
    const d = ready.pop()!;
    for (let action = rows[d]![next[d]!]; action; action = rows[d]![next[d]!]) {
      const [need] = unmet(action);
      if (need) {
        const id = index.get(need);
        waiting.set(id, [...(waiting.get(id) ?? []), d]);
        break;
      }
      next[d]!++;
      const done = index.get(action);
      ready.push(...(waiting.get(done) ?? []));
      waiting.delete(done);
    }
  }
  return next.every((position, d) => position === rows[d]!.length) ? undefined : stuckFault(schedule, next, unmet);
}

function stuckFault(schedule: Schedule, next: readonly number[], unmet: (action: Action) => Action[]): Fault {
  const { rows, placement } = schedule;
  const head = (d: number) => rows[d]![next[d]!];
  const needsOf = (d: number) => {
    const action = head(d);
    return action ? unmet(action) : [];
  };
  const circle = shortestCircle(rows.map((_, d) => needsOf(d).map((need) => placement[need.stage]!)))!;
  const device = circle[0]!;
  const position = next[device]!;
  if (circle.length === 1) {
    const need = formatAction(needsOf(device).find((action) => placement[action.stage] === device)!);
    const at = rows[device]!.findIndex((action) => formatAction(action) === need);
    return {
      invariant: "V4",
      wrong: `${formatAction(head(device)!)} stands before what it waits for; got ${need} at position ${at} expected it before position ${position}`,
      advice: "Swap them",
      device,
      position,
    };
  }
  const links = circle.map((from, i) => {
    const to = circle[(i + 1) % circle.length]!;
    const need = needsOf(from).find((action) => placement[action.stage] === to)!;
    return `device ${from} at ${formatAction(head(from)!)} waits for ${formatAction(need)} of device ${to}`;
  });
  const done = next.reduce((sum, count) => sum + count, 0);
  const stands = next.map((_, d) => `d${d} ${head(d) ? formatAction(head(d)!) : "done"}`).join(", ");
  return {
    invariant: "V7",
    wrong: `deadlock after ${done} actions: ${links.join("; ")}; got ${stands} expected all rows to end`,
    advice: "Move one of the awaited actions forward",
    device,
    position,
  };
}
