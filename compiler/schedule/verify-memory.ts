/**
 * @file V9: what a device keeps follows from the order of its row alone, whatever the times, because F takes at its
 * start, the others give back at their end, and they run one after the other.
 */
import type { Schedule } from "./action.js";
import { formatAction } from "./action.js";
import type { Fault } from "./fault.js";
import type { StashSizes } from "./in-flight.js";

/** One fault per device that keeps more than its capacity, at the F that passes it. Position: among the actions. */
export function memoryFault(
  schedule: Schedule,
  { capacity, stash }: { readonly capacity?: readonly number[]; readonly stash?: StashSizes },
): Fault[] {
  if (!capacity) return [];
  return schedule.rows.flatMap((row, device): Fault[] => {
    const room = capacity[device]!;
    let kept = 0;
    for (const [position, action] of row.entries()) {
      const whole = stash?.forward[action.stage] ?? 1;
      const late = stash?.weight[action.stage] ?? whole;
      if (action.phase === "F") kept += whole;
      else kept -= action.phase === "B" ? whole : action.phase === "I" ? whole - late : late;
      if (kept <= room * (1 + 1e-9)) continue;
      return [
        {
          invariant: "V9",
          wrong: `device ${device} runs out of memory at ${formatAction(action)}; got ${kept} expected at most ${room}`,
          advice: "Run a W or B earlier, or an F later",
          device,
          position,
        },
      ];
    }
    return [];
  });
}
