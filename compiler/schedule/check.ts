/**
 * @file Is this a schedule? Every action once and on its device, nothing before what it waits for, no deadlock. All
 * that later passes rely on. Linear in the number of actions.
 */
import { PipewrightError } from "../errors.js";
import type { Action, Schedule } from "./action.js";
import { formatAction, replicaOf, stagesPerReplica } from "./action.js";
import { ActionIndex } from "./flat.js";
import { dependencies } from "./order.js";
import { printRows } from "./print.js";

/** Where a schedule goes wrong. */
interface Cell {
  readonly device: number;
  readonly position: number;
}

/**
 * Ensures: the promises of `Schedule`. The error shows the grid with an arrow under the first bad cell; for a deadlock
 * it lists the shortest circle of devices that wait for each other.
 * @throws SCHEDULE_INVALID
 */
export function checkSchedule(schedule: Schedule): void {
  checkShape(schedule);
  checkCells(schedule);
  checkComplete(schedule);
  checkProgress(schedule);
}

function fail(schedule: Schedule, cell: Cell | undefined, wrong: string, advice: string): never {
  const grid = cell ? `\n${printRows(schedule, cell)}` : "";
  throw new PipewrightError("SCHEDULE_INVALID", `schedule ${schedule.name}: ${wrong}. ${advice}.${grid}`, {
    schedule: schedule.name,
    ...cell,
  });
}

function checkShape(schedule: Schedule): void {
  const { devices, stages, microbatches, placement, rows, replicas = 1 } = schedule;
  const sizes = `${rows.length} rows, ${placement.length} placed stages`;
  if (rows.length !== devices || placement.length !== stages)
    fail(
      schedule,
      undefined,
      `sizes disagree; got ${sizes} expected ${devices} rows, ${stages} placed stages`,
      "Correct the sizes",
    );
  placement.forEach((device, stage) => {
    if (Number.isInteger(device) && device >= 0 && device < devices) return;
    fail(
      schedule,
      undefined,
      `stage ${stage} has no device; got ${device} expected 0 to ${devices - 1}`,
      "Correct the placement",
    );
  });
  const routes = schedule.replicaOf ?? [];
  const routed =
    replicas === 1
      ? !schedule.replicaOf
      : routes.length === microbatches && routes.every((r) => r >= 0 && r < replicas);
  if (routed && Number.isInteger(stages / replicas)) return;
  const got = `${stages} stages in ${replicas} copies, ${routes.length} routed microbatches`;
  fail(
    schedule,
    undefined,
    `copies disagree; got ${got} expected equal copies and a copy for each of ${microbatches} microbatches`,
    "Correct replicas and replicaOf",
  );
}

/** Each cell for itself: known stage, microbatch and device, and not seen before. */
function checkCells(schedule: Schedule): void {
  const { stages, microbatches, placement } = schedule;
  const perReplica = stagesPerReplica(schedule);
  const seen = new Map<string, Cell>();
  schedule.rows.forEach((row, device) =>
    row.forEach((action, position) => {
      const cell = { device, position };
      const text = formatAction(action);
      const { stage, microbatch } = action;
      if (!(stage >= 0 && stage < stages))
        fail(
          schedule,
          cell,
          `${text} has no such stage; got ${stage} expected 0 to ${stages - 1}`,
          "Correct the stage",
        );
      if (!(microbatch >= 0 && microbatch < microbatches))
        fail(
          schedule,
          cell,
          `${text} has no such microbatch; got ${microbatch} expected 0 to ${microbatches - 1}`,
          "Correct the microbatch",
        );
      if (placement[stage] !== device)
        fail(
          schedule,
          cell,
          `${text} stands on the wrong device; got ${device} expected ${placement[stage]}`,
          "Move it or change the placement",
        );
      if (Math.floor(stage / perReplica) !== replicaOf(schedule, microbatch))
        fail(
          schedule,
          cell,
          `${text} runs in the wrong copy of the model; got copy ${Math.floor(stage / perReplica)} expected ${replicaOf(schedule, microbatch)}`,
          "Route each microbatch through one copy",
        );
      const before = seen.get(text);
      if (before)
        fail(
          schedule,
          cell,
          `${text} stands twice; got a second one expected only the one at position ${before.position}`,
          "Remove one",
        );
      seen.set(text, cell);
    }),
  );
}

/** Every (stage, microbatch): F and either B or both I and W. */
function checkComplete(schedule: Schedule): void {
  const index = new ActionIndex(schedule);
  const has = (action: Action) => index.get(action) >= 0;
  const perReplica = stagesPerReplica(schedule);
  for (let microbatch = 0; microbatch < schedule.microbatches; microbatch++) {
    const first = replicaOf(schedule, microbatch) * perReplica;
    for (let stage = first; stage < first + perReplica; stage++) {
      const phases = (["F", "B", "I", "W"] as const).filter((phase) => has({ stage, phase, microbatch })).join("");
      if (phases === "FB" || phases === "FIW") continue;
      const device = schedule.placement[stage]!;
      const at = schedule.rows[device]!.findIndex((a) => a.stage === stage && a.microbatch === microbatch);
      fail(
        schedule,
        at < 0 ? undefined : { device, position: at },
        `stage ${stage} does not do all of microbatch ${microbatch}; got ${phases || "nothing"} expected FB or FIW`,
        "Add what is missing or remove what is too much",
      );
    }
  }
}

/** Runs the rows without times. If no device can go on, follows who waits for whom. */
function checkProgress(schedule: Schedule): void {
  const index = new ActionIndex(schedule);
  const rowStart: number[] = [0];
  for (const row of schedule.rows) rowStart.push(rowStart.at(-1)! + row.length);
  const next = new Array<number>(schedule.devices).fill(0);
  const isDone = (action: Action): boolean => {
    const device = schedule.placement[action.stage]!;
    return index.get(action) - rowStart[device]! < next[device]!;
  };
  const unmet = (action: Action) => dependencies(action, schedule, index.gradientPhase).filter((need) => !isDone(need));
  const waitingFor = new Map<string, Set<number>>();
  const ready = schedule.rows.map((_, d) => d);
  while (ready.length > 0) {
    const d = ready.pop()!;
    for (;;) {
      const action = schedule.rows[d]![next[d]!];
      if (!action) break;
      const blockers = unmet(action);
      if (blockers.length > 0) {
        for (const need of blockers) {
          const key = formatAction(need);
          waitingFor.set(key, (waitingFor.get(key) ?? new Set()).add(d));
        }
        break;
      }
      next[d]!++;
      const key = formatAction(action);
      ready.push(...(waitingFor.get(key) ?? []));
      waitingFor.delete(key);
    }
  }
  if (next.some((position, d) => position < schedule.rows[d]!.length)) reportDeadlock(schedule, next, unmet);
}

function reportDeadlock(schedule: Schedule, next: readonly number[], unmet: (action: Action) => Action[]): never {
  const head = (d: number) => schedule.rows[d]![next[d]!];
  const waits = next.map((_, d) => {
    const action = head(d);
    return action ? unmet(action).map((need) => schedule.placement[need.stage]!) : [];
  });
  const circle = shortestCircle(waits);
  const [d] = circle as [number];
  const cell = { device: d, position: next[d]! };
  const action = head(d)!;
  if (circle.length === 1) {
    const need = unmet(action).find((a) => schedule.placement[a.stage] === d)!;
    const at = schedule.rows[d]!.findIndex((a) => formatAction(a) === formatAction(need));
    fail(
      schedule,
      cell,
      `${formatAction(action)} stands before what it waits for; got ${formatAction(need)} at position ${at} expected it before position ${next[d]}`,
      "Swap them",
    );
  }
  const links = circle.map((from, i) => {
    const to = circle[(i + 1) % circle.length]!;
    const need = unmet(head(from)!).find((a) => schedule.placement[a.stage] === to)!;
    return `device ${from} at ${formatAction(head(from)!)} waits for ${formatAction(need)} of device ${to}`;
  });
  const done = next.reduce((sum, position) => sum + position, 0);
  const stands = next.map((_, i) => `d${i} ${head(i) ? formatAction(head(i)!) : "done"}`).join(", ");
  fail(
    schedule,
    cell,
    `deadlock after ${done} actions: ${links.join("; ")}; got ${stands} expected all rows to end`,
    "Move one of the awaited actions forward",
  );
}

/** Shortest circle in "device d waits for devices waits[d]". Requires: there is one. Breadth first from every device. */
function shortestCircle(waits: readonly (readonly number[])[]): number[] {
  let best: number[] | undefined;
  for (let start = 0; start < waits.length; start++) {
    const paths: number[][] = [[start]];
    const seen = new Set<number>();
    for (let path = paths.shift(); path && path.length < (best?.length ?? Infinity); path = paths.shift()) {
      const last = path.at(-1)!;
      if (waits[last]!.includes(start)) {
        best = path;
        break;
      }
      for (const to of waits[last]!) if (!seen.has(to)) paths.push([...path, (seen.add(to), to)]);
    }
  }
  return best!;
}
