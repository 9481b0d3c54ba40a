/** @file The choice between known schedules and search, over the placements of a number of stages per device. */
import { PipewrightError } from "../errors.js";
import type { ScheduleCosts } from "./costs.js";
import type { SearchOptions, SearchResult } from "./search.js";
import { searchSchedule } from "./search.js";
import { loopedPlacement, wavePlacement } from "./size.js";

/** Where the stages of a device lie along the data flow: s mod D, or down the devices and up again. */
export type PlacementKind = "looped" | "wave";

/** How many devices, and stages on each; one or several placements to try. */
export interface AutomaticSize {
  readonly devices: number;
  readonly microbatches: number;
  readonly stagesPerDevice?: number;
  /** Default: all kinds, of which only one is distinct for a single stage per device. */
  readonly placements?: readonly (PlacementKind | readonly number[])[];
}

/**
 * The schedule with the shortest simulated step within the memory: of all known ones and, where it is shorter still, of
 * those that search finds. Ties go to the placement named first and to known schedules.
 *
 * `capacity`: most stash of each device, in the units of `costs.stash`.
 * @throws PLAN_INFEASIBLE if nothing fits the memory; USAGE for sizes and costs that do not fit each other.
 */
export function automaticSchedule(
  { devices, microbatches, stagesPerDevice = 1, placements }: AutomaticSize,
  costs: ScheduleCosts,
  { capacity, ...search }: SearchOptions & { readonly capacity?: readonly number[] } = {},
): SearchResult {
  const tried = placements ?? (stagesPerDevice % 2 === 0 ? (["looped", "wave"] as const) : (["looped"] as const));
  let best: SearchResult | undefined;
  let failure: unknown;
  for (const kind of tried) {
    const placement = typeof kind === "string" ? placementOf(kind, devices, stagesPerDevice) : kind;
    try {
      const found = searchSchedule(
        { devices, microbatches, placement, costs, ...(capacity && { capacity }) },
        { ...search },
      );
      if (!best || found.makespanMs < best.makespanMs) best = found;
    } catch (error) {
      if (!(error instanceof PipewrightError) || error.code !== "PLAN_INFEASIBLE") throw error;
      failure ??= error;
    }
  }
  if (best) return best;
  throw failure;
}

function placementOf(kind: PlacementKind, devices: number, stagesPerDevice: number): readonly number[] {
  return kind === "looped" ? loopedPlacement(devices, stagesPerDevice) : wavePlacement(devices, stagesPerDevice);
}
