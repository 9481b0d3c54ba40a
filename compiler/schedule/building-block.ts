/**
 * @file Schedules that repeat a building block: where one microbatch stands on every device of a V placement, shifted
 * by the same number of slots for each further microbatch. The lifetime of an activation in the block divided by the
 * shift is the number kept, so the block sets the memory. Qi et al. 2024 (arXiv 2405.15362), sections 3 and 4; the
 * steps are those of sail-sg/zero-bubble's zbv_greedy.
 *
 * 1. Repeat the block and put each W into the first free slot after its I.
 * 2. Warm-up and cool-down have holes: move actions of these parts into earlier free slots while no device keeps more
 *    than the worst one kept before; close up.
 * 3. Place the Ws anew and tighten the cool-down once more.
 */
import type { Action, Schedule } from "./action.js";
import { SlotRow } from "./slot-row.js";
import { vPlacement } from "./size.js";

/** F, F, I or B, I or B: the kinds of a slot row, in the order in which a microbatch passes its device; then W. */
const FIRST_F = 0;
const LAST_BACKWARD = 3;
const WEIGHT = 4;

/** Slots of microbatch 0 on one device: F of its first stage, F of its second, backward of its second, of its first. */
export type Block = readonly [number, number, number, number];

/** How the blocks are laid out. */
export interface Pattern {
  readonly name: string;
  /** One per device. */
  readonly blocks: readonly Block[];
  /** Slots between microbatches. */
  readonly shift: number;
  /** Slots of a backward: 1 for I with W apart, 2 for a whole B. */
  readonly backwardSlots: 1 | 2;
}

/** Cost: O(actions · slots moved over); only warm-up and cool-down move. */
export function repeatBlocks({ name, blocks, shift, backwardSlots }: Pattern, microbatches: number): Schedule {
  const devices = blocks.length;
  let rows = blocks.map((block) => SlotRow.repeat(block, shift, microbatches, backwardSlots));
  if (backwardSlots === 1) {
    for (const row of rows) row.placeWeights();
    tighten(rows, { parts: "ends", weights: true });
    rows = closeUp(rows);
    for (const row of rows) row.dropWeights();
  }
  tighten(rows, { parts: backwardSlots === 2 ? "all" : "cool-down", weights: false });
  if (backwardSlots === 1) {
    for (const row of rows) row.placeWeights();
    rows = closeUp(rows);
    for (const row of rows) row.dropWeights();
    for (const row of rows) row.placeWeights("by stage");
  }
  const toAction = (device: number, kind: number, microbatch: number): Action => {
    const down = kind === 0 || kind === 3 || kind === 5;
    const stage = down ? device : 2 * devices - 1 - device;
    const phase = kind <= 1 ? "F" : kind > LAST_BACKWARD ? "W" : backwardSlots === 2 ? "B" : "I";
    return { stage, phase, microbatch };
  };
  return {
    name,
    devices,
    stages: 2 * devices,
    microbatches,
    placement: vPlacement(devices),
    rows: rows.map((row, device) => row.inOrder().map(({ kind, microbatch }) => toAction(device, kind, microbatch))),
  };
}

/**
 * Moves actions to earlier free slots, in the order of their slots. The steady part lasts from the last backward of
 * microbatch 0 on the first device to the last F there; "ends" and "cool-down" leave it as it is.
 */
function tighten(rows: readonly SlotRow[], options: { parts: "all" | "ends" | "cool-down"; weights: boolean }): void {
  const { parts, weights } = options;
  const peak = Math.max(...rows.map((row) => row.peak()));
  const last = rows[0]!.microbatches - 1;
  let part: "warm-up" | "steady" | "cool-down" = "warm-up";
  for (const { device, kind, microbatch, slot } of inSlotOrder(rows, weights ? WEIGHT : LAST_BACKWARD)) {
    if (device === 0 && kind === LAST_BACKWARD && part === "warm-up") part = "steady";
    const stays = part === "steady" ? parts !== "all" : part === "warm-up" && parts === "cool-down";
    if (part === "steady" && kind === FIRST_F && microbatch === last) part = "cool-down";
    if (stays) continue;
    const row = rows[device]!;
    for (let to = readySlot(rows, device, kind, microbatch); to < slot; to++)
      if (row.tryMove(kind, microbatch, to, peak)) break;
  }
}

/** First slot after all that the action waits for, and after the same action of the microbatch before. */
function readySlot(rows: readonly SlotRow[], device: number, kind: number, microbatch: number): number {
  const row = rows[device]!;
  let ready = 0;
  if (kind === WEIGHT) ready = row.backwardEnd(microbatch);
  else {
    const neighbour = rows[kind === 0 || kind === 2 ? device - 1 : device + 1];
    if (neighbour) ready = neighbour.end(kind, microbatch);
    if (kind > FIRST_F) ready = Math.max(ready, row.end(kind - 1, microbatch));
  }
  return microbatch > 0 ? Math.max(ready, row.end(kind, microbatch - 1)) : ready;
}

/** Every action as early as its row and what it waits for allow. Ensures: the order of every row stays. */
function closeUp(rows: readonly SlotRow[]): SlotRow[] {
  const closed = rows.map((row) => row.emptied());
  const free = rows.map(() => 0);
  for (const { device, kind, microbatch } of inSlotOrder(rows, WEIGHT)) {
    const slot = Math.max(free[device]!, readySlot(closed, device, kind, microbatch));
    closed[device]!.place(kind, microbatch, slot);
    free[device] = slot + closed[device]!.slots(kind);
  }
  return closed;
}

/** A snapshot of all actions of kinds up to `lastKind`, by slot, then device, then kind. */
function inSlotOrder(rows: readonly SlotRow[], lastKind: number) {
  return rows
    .flatMap((row, device) => row.inOrder().map((placed) => ({ device, ...placed })))
    .filter(({ kind }) => kind <= lastKind)
    .sort((a, b) => a.slot - b.slot || a.device - b.device || a.kind - b.kind);
}
