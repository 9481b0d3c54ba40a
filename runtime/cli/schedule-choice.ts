/** @file From the flags of `schedule` to a schedule: by name, searched, or the best of both. */
import { PipewrightError } from "../../compiler/errors.js";
import type { Schedule } from "../../compiler/schedule/action.js";
import { automaticSchedule } from "../../compiler/schedule/auto.js";
import type { ScheduleCosts } from "../../compiler/schedule/costs.js";
import { neighbours } from "../../compiler/schedule/lower.js";
import { scheduleByName } from "../../compiler/schedule/registry.js";
import type { SearchResult } from "../../compiler/schedule/search.js";
import type { Env } from "../env/env.js";
import type { TimesFile } from "../times-file.js";
import { costsFrom, readTimes, stagesOf } from "../times-file.js";
import type { FlagValues } from "./flags.js";

/** Every F, I and W takes one unit, and links are free. */
const UNIT_TIMES: TimesFile = { forwardMs: 1, inputGradMs: 1, weightGradMs: 1 };
const DEFAULT_NAME = "1f1b";
const SEARCHING = ["auto", "search"];

/** A schedule with the costs it was chosen for. */
export interface ChosenSchedule {
  readonly schedule: Schedule;
  readonly costs: ScheduleCosts;
  /** What the search says, if there was one. */
  readonly found?: SearchResult;
}

/** Times of `--costs`, or units. @throws FILE, USAGE. */
export async function requestedTimes(env: Env, { costs = UNIT_TIMES }: FlagValues): Promise<TimesFile> {
  return "file" in costs ? readTimes(env, costs.file) : costs;
}

/** @throws USAGE for names and sizes that do not fit, PLAN_INFEASIBLE if nothing fits the memory. */
export function chooseSchedule(flags: FlagValues, times: TimesFile, isTimeUp: () => boolean): ChosenSchedule {
  const name = flags.schedule ?? (flags.memory === undefined ? DEFAULT_NAME : "auto");
  const size = sizeOf(flags, times);
  if (!SEARCHING.includes(name)) {
    const schedule = scheduleByName(name, { ...size, ...(flags.window && { window: flags.window }) });
    return { schedule, costs: costsFrom(times, schedule.stages, neighbours(schedule)) };
  }
  const stages = size.devices * (size.stagesPerDevice ?? 1);
  const costs = costsFrom(times, stages, neighbours({ stages }));
  const placement = flags.placement ?? times.placement;
  const found = automaticSchedule({ ...size, ...(placement && { placements: [placement] }) }, costs, {
    isTimeUp,
    ...(flags.seed !== undefined && { seed: flags.seed }),
    ...(flags.memory !== undefined && { capacity: new Array<number>(size.devices).fill(flags.memory) }),
  });
  return { schedule: found.schedule, costs, found };
}

/** Devices, microbatches and stages per device; the lists of the times say what flags leave out. */
function sizeOf(flags: FlagValues, times: TimesFile) {
  const stages = stagesOf(times);
  const devices = flags.devices?.length ?? (stages === undefined ? undefined : stages / (flags.stagesPerDevice ?? 1));
  if (devices === undefined || !Number.isInteger(devices))
    throw new PipewrightError(
      "USAGE",
      `schedule: the number of devices is not known; got ${stages ?? "no list of"} stages, ${flags.stagesPerDevice ?? 1} on each device. Give --devices.`,
    );
  if (stages !== undefined && flags.stagesPerDevice === undefined && stages % devices !== 0)
    throw new PipewrightError(
      "USAGE",
      `schedule: the times do not fit the devices; got times of ${stages} stages for ${devices} devices expected as many stages on each. Give other --devices, or one number for all stages.`,
      { stages, devices },
    );
  const perDevice = flags.stagesPerDevice ?? (stages === undefined ? undefined : stages / devices);
  return {
    devices,
    microbatches: flags.microbatches ?? 2 * devices,
    ...(perDevice !== undefined && { stagesPerDevice: perDevice }),
  };
}
