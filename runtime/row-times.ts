/** @file When the actions of a step ran, and on which device. */
import type { StepShares } from "./step-shares.js";

/** An action of another device's row that a device ran in its stead. */
export interface StoodIn {
  readonly device: number;
  readonly position: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** One device's part of a step, in ms of the monotonic clock. */
export interface RowTimes {
  /** By action of its row. The time before was spent waiting, unless the device ran actions of other rows. */
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
  /** What it ran of other rows. */
  readonly stoodIn: readonly StoodIn[];
  /** End of the optimizer update. */
  readonly updateEndMs: number;
  /** Where the time went, from the order to `updateEndMs`. */
  readonly shares: StepShares;
  /** Most bytes that the device has held so far. */
  readonly peakBytes: number;
}

/** Rows as the devices told them, with the times of actions that others ran. */
export function withStandIns(rows: readonly RowTimes[]): readonly RowTimes[] {
  const whole = rows.map((row) => ({ ...row, startMs: row.startMs.slice(), endMs: row.endMs.slice() }));
  for (const { device, position, startMs, endMs } of rows.flatMap(({ stoodIn }) => stoodIn)) {
    whole[device]!.startMs[position] = startMs;
    whole[device]!.endMs[position] = endMs;
  }
  return whole;
}
