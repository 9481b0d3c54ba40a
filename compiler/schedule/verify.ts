/**
 * @file Is this a plan that devices can run as it stands? All rules V1 to V15 of fault.ts, for schedules of our own and
 * for files of others. Linear in the number of steps.
 */
import type { Action, Schedule } from "./action.js";
import { scheduleFault } from "./check.js";
import type { Fault } from "./fault.js";
import { throwFault } from "./fault.js";
import type { StashSizes } from "./in-flight.js";
import type { LoweredSchedule } from "./lower.js";
import { formatStep } from "./step.js";
import { collectiveFaults } from "./verify-collectives.js";
import { bufferFaults, resultFaults, shardFaults } from "./verify-buffers.js";
import { channelFault } from "./verify-channels.js";
import { memoryFault } from "./verify-memory.js";
import { messageFaults } from "./verify-messages.js";

/** What the devices can keep, in the units of `stash` (default: activations of one stage). */
export interface VerifyOptions {
  readonly capacity?: readonly number[];
  readonly stash?: StashSizes;
}

/** @throws SCHEDULE_INVALID for the first broken rule, with the rows and an arrow. */
export function verifyLowered(lowered: LoweredSchedule, options: VerifyOptions = {}): void {
  const [fault] = loweredFaults(lowered, options);
  if (!fault) return;
  const cells = lowered.rows.map((row) => row.map(formatStep));
  throwFault(lowered.schedule.name, cells, fault);
}

/**
 * All broken rules that can be told; the actions first, as the rest relies on them. The compute steps of the rows
 * count, not `lowered.schedule.rows`.
 */
export function loweredFaults(lowered: LoweredSchedule, options: VerifyOptions = {}): Fault[] {
  const schedule = computeOnly(lowered);
  const fault = scheduleFault(schedule);
  if (fault) return [atStep(lowered, fault)];
  const messages = messageFaults(lowered);
  const channels = messages.some(({ invariant }) => invariant === "V5") ? undefined : channelFault(lowered);
  return [
    ...messages,
    ...(channels ? [channels] : []),
    ...bufferFaults(lowered),
    ...resultFaults(lowered),
    ...shardFaults(lowered),
    ...collectiveFaults(lowered),
    ...memoryFault(schedule, options).map((found) => atStep(lowered, found)),
  ];
}

/** The actions of lowered rows as a schedule. */
function computeOnly(lowered: LoweredSchedule): Schedule {
  const rows = lowered.rows.map((row) =>
    row.flatMap((step): readonly Action[] => (step.kind === "compute" ? step.actions : [])),
  );
  return { ...lowered.schedule, rows };
}

/** Moves the mark of a fault from a position among the actions to one among the steps. */
function atStep({ rows }: LoweredSchedule, fault: Fault): Fault {
  const { device, position } = fault;
  if (device === undefined || position === undefined) return fault;
  let actions = 0;
  const step = rows[device]!.findIndex((s) => s.kind === "compute" && (actions += s.actions.length) > position);
  return { ...fault, position: step };
}
