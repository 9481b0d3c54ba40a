/**
 * @file What it costs each step that a worker may die in it: the old content of every slab is put aside before its
 * update. All else that a replay needs is in the shared memory anyway.
 */
import type { Plan } from "../../compiler/plan/plan.js";
import type { Env } from "../../runtime/env/env.js";
import { layoutOf } from "../../runtime/layout.js";
import { median } from "../../runtime/median.js";
import { SlabJournal } from "../../runtime/slab-journal.js";

/**
 * Median time per step of the device that keeps the most, ms. Measured without the updates between, which find the
 * slabs in the cache then: so it is the most that the journal can take.
 */
export function recoveryMs({ memories, clock }: Env, plan: Plan, repeat: number): number {
  const layout = layoutOf(plan);
  const memory = memories.create(layout.bytes);
  try {
    const devices = plan.devices.map((_, device) =>
      plan.stages.flatMap((stage) => {
        const arena = stage.device === device ? layout.arenas[stage.index] : undefined;
        return arena ? [{ slabs: arena.slabs, journal: new SlabJournal(arena, memory) }] : [];
      }),
    );
    return Math.max(
      ...devices.map((journals) => {
        const times: number[] = [];
        for (let run = 0; run <= repeat; run++) {
          const startMs = clock.nowMs();
          for (const { slabs, journal } of journals) {
            journal.begin();
            for (let slab = 0; slab < slabs; slab++) {
              journal.keep(slab);
              journal.complete(slab);
            }
          }
          if (run > 0) times.push(clock.nowMs() - startMs);
        }
        return median(times);
      }),
    );
  } finally {
    memory.close();
  }
}
