/** @file Random sizes that each schedule can run. */
import fc from "fast-check";
import type { ScheduleSize } from "../../compiler/schedule/size.js";

const devices = fc.integer({ min: 1, max: 6 });
const microbatches = fc.integer({ min: 1, max: 12 });
const evenDevices = fc.integer({ min: 1, max: 3 }).map((half) => 2 * half);

/** Sizes for the schedule of this name. */
export function sizeOf(name: string): fc.Arbitrary<ScheduleSize> {
  switch (name) {
    case "windowed-1f1b":
      return fc.record({ devices, microbatches, window: fc.integer({ min: 1, max: 14 }) });
    case "looped-bfs":
      return fc.record({ devices, microbatches, stagesPerDevice: fc.integer({ min: 1, max: 4 }) });
    case "wave":
      return fc.record({ devices, microbatches, stagesPerDevice: fc.constantFrom(2, 4) });
    case "interleaved-1f1b":
    case "interleaved-zb":
      return inRounds();
    case "chimera":
      return fc.record({ devices: evenDevices, microbatches: fc.integer({ min: 1, max: 8 }).map((half) => 2 * half) });
    case "dualpipe":
      return fc
        .record({ devices: evenDevices, more: fc.nat(4) })
        .map(({ devices, more }) => ({ devices, microbatches: 2 * devices + 2 * more }));
    case "dualpipe-v":
      return fc
        .record({ devices, more: fc.nat(6) })
        .map(({ devices, more }) => ({ devices, microbatches: 2 * devices + more }));
    default:
      return fc.record({ devices, microbatches });
  }
}

/** Microbatches that fall into equal rounds of at least one per device, or one round of fewer. */
function inRounds(): fc.Arbitrary<ScheduleSize> {
  const stagesPerDevice = fc.integer({ min: 2, max: 4 });
  return fc
    .record({
      devices,
      rounds: fc.integer({ min: 1, max: 4 }),
      perRound: fc.integer({ min: 1, max: 11 }),
      stagesPerDevice,
    })
    .filter(({ devices, rounds, perRound }) => Math.max(1, Math.floor((rounds * perRound) / devices)) === rounds)
    .map(({ devices, rounds, perRound, stagesPerDevice }) => ({
      devices,
      microbatches: rounds * perRound,
      stagesPerDevice,
    }));
}
