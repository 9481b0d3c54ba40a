/** @file Random sizes that each schedule can run. */
import fc from "fast-check";
import type { ScheduleSize } from "../../compiler/schedule/size.js";

const devices = fc.integer({ min: 1, max: 6 });
const microbatches = fc.integer({ min: 1, max: 12 });

/** Sizes for the schedule of this name. */
export function sizeOf(name: string): fc.Arbitrary<ScheduleSize> {
  switch (name) {
    case "windowed-1f1b":
      return fc.record({ devices, microbatches, window: fc.integer({ min: 1, max: 14 }) });
    case "interleaved-1f1b":
    case "interleaved-zb":
      return fc
        .record({
          devices,
          rounds: fc.integer({ min: 1, max: 4 }),
          extra: fc.nat(5),
          stagesPerDevice: fc.integer({ min: 2, max: 4 }),
        })
        .map(({ devices, rounds, extra, stagesPerDevice }) => {
          const perRound = devices + (extra % Math.max(1, Math.floor(devices / rounds)));
          return { devices, microbatches: rounds * perRound, stagesPerDevice };
        });
    case "dualpipe-v":
      return fc
        .record({ devices, extra: fc.nat(6) })
        .map(({ devices, extra }) => ({ devices, microbatches: 2 * devices + extra }));
    case "dualpipe":
      return fc
        .record({ half: fc.integer({ min: 1, max: 3 }), extra: fc.nat(3) })
        .map(({ half, extra }) => ({ devices: 2 * half, microbatches: 4 * half + 2 * extra }));
    case "chimera":
      return fc
        .record({ half: fc.integer({ min: 1, max: 3 }), pairs: fc.integer({ min: 1, max: 6 }) })
        .map(({ half, pairs }) => ({ devices: 2 * half, microbatches: 2 * pairs }));
    default:
      return fc.record({ devices, microbatches });
  }
}
