/** @file Who waits for whom at run time: data from other devices, and slots that other devices still read. */
import { invariant } from "../errors.js";
import type { Action, Schedule } from "../schedule/action.js";
import type { PlanAction, Wait } from "./plan.js";
import type { Runs } from "./runs.js";
import { actionKey, actionOf } from "./runs.js";
import type { SlotRing } from "./slots.js";

/**
 * The rows of a schedule with their waits.
 *
 * Requires: rings made from a linear order of the same schedule.
 * Ensures: an action has a wait for another device only if its row has not waited for as much before; within a device
 * the order of the row is enough.
 */
export function planRows(
  schedule: Schedule,
  rings: readonly SlotRing[],
  runs: Runs = actionOf,
): readonly (readonly PlanAction[])[] {
  const { microbatches, placement } = schedule;
  const keyOf = (action: Action): number => actionKey(action, microbatches);
  const place = new Map<number, Wait>();
  for (const [device, row] of schedule.rows.entries()) {
    for (const [index, action] of row.entries()) {
      place.set(keyOf(action), { device, count: index + 1 });
    }
  }
  const needs = new Map<number, Wait[]>();
  const adds = new Map<number, Set<number>>();
  const after = (action: Action, earlier: Action): void => {
    const wait = place.get(keyOf(earlier));
    invariant(wait, "a slot ring names an action that the schedule lacks");
    if (wait.device === placement[action.stage]) return;
    const key = keyOf(action);
    const list = needs.get(key);
    if (list) list.push(wait);
    else needs.set(key, [wait]);
  };
  for (const ring of rings) {
    const maker = { stage: ring.stage, kind: ring.program };
    for (let microbatch = 0; microbatch < microbatches; microbatch++) {
      const making = runs(maker, microbatch);
      if (!making) continue;
      const previous = ring.previous[microbatch];
      for (const reader of ring.readers) {
        const reading = runs(reader, microbatch)!;
        after(reading, making);
        if (previous !== undefined) after(making, runs(reader, previous)!);
        if (reader.kind === "add") adds.set(keyOf(reading), (adds.get(keyOf(reading)) ?? new Set()).add(microbatch));
      }
    }
  }
  return schedule.rows.map((row) => {
    const waited = new Array<number>(schedule.devices).fill(0);
    return row.map((action): PlanAction => {
      const waits = newWaits(needs.get(keyOf(action)) ?? [], waited);
      const added = adds.get(keyOf(action));
      return { ...action, waits, ...(added && { adds: [...added].sort((a, b) => a - b) }) };
    });
  });
}

/** The largest count per device, without those that `waited` covers already; updates `waited`. */
function newWaits(needs: readonly Wait[], waited: number[]): readonly Wait[] {
  const largest = new Map<number, number>();
  for (const { device, count } of needs) largest.set(device, Math.max(count, largest.get(device) ?? 0));
  const waits: Wait[] = [];
  for (const [device, count] of [...largest].sort(([a], [b]) => a - b)) {
    if (count <= waited[device]!) continue;
    waited[device] = count;
    waits.push({ device, count });
  }
  return waits;
}
