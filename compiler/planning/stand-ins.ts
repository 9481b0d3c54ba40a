/**
 * @file Which devices may run weight gradients of their neighbours' stages: little waits for those but the update, so a
 * device that would wait can run them where they are ready. Decided with the plan, because it takes memory.
 */
import { areAlike } from "../plan/offers.js";
import { splitStages } from "../schedule/action.js";
import type { Placed } from "./placed.js";

/** What a device may hold more for it, as a share of what it holds. */
const MOST_MORE = 0.04;

export interface StandIns {
  /** Devices by stage, for stages that have any. */
  readonly byStage: ReadonlyMap<number, readonly number[]>;
  /** Most bytes that each device holds with them. */
  readonly heldBytes: readonly number[];
}

/**
 * Neighbours of a stage's device that compute as it does, so that the bits are the same. Only where the backward passes
 * come in two halves and there is one copy of the model, and as far as a device's memory has room.
 */
export function standIns({ draft, linked, cluster, heldBytes }: Placed): StandIns {
  const { schedule } = draft;
  const isSplit = splitStages(schedule);
  const byStage = new Map<number, readonly number[]>();
  const held = heldBytes.map((bytes, device) => {
    if (schedule.replicas !== undefined) return bytes;
    const spec = cluster.devices[device]!;
    const most = Math.min(spec.memoryBytes ?? Infinity, bytes * (1 + MOST_MORE));
    const foreign: number[] = [];
    let now = bytes;
    for (const [stage, owner] of schedule.placement.entries()) {
      if (Math.abs(owner - device) !== 1 || !isSplit[stage] || !areAlike(spec, cluster.devices[owner]!)) continue;
      const more = linked.heldWith(device, [...foreign, stage]);
      if (more > most) continue;
      now = more;
      foreign.push(stage);
      byStage.set(stage, [...(byStage.get(stage) ?? []), device]);
    }
    return now;
  });
  return { byStage, heldBytes: held };
}
