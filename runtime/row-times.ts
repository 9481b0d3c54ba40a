/** @file When the actions of a step ran, and on which device. */
import type { Plan, PlanAction } from "../compiler/plan/plan.js";
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

/** Times of a row as far as pictures need them, and which actions of other rows its device ran. */
export interface TimedRow {
  readonly startMs: ArrayLike<number>;
  readonly endMs: ArrayLike<number>;
  readonly stoodIn?: readonly Pick<StoodIn, "device" | "position">[] | undefined;
}

/** An action where and when it ran. */
export interface RanAction {
  readonly action: PlanAction;
  readonly startMs: number;
  readonly endMs: number;
}

/** What each device ran, in its order. Requires: rows with the times of all their actions, which fit the plan. */
export function ranActions({ rows: planned }: Pick<Plan, "rows">, rows: readonly TimedRow[]): readonly RanAction[][] {
  const at = (device: number, position: number): RanAction => ({
    action: planned[device]![position]!,
    startMs: rows[device]!.startMs[position]!,
    endMs: rows[device]!.endMs[position]!,
  });
  const gone = new Set(rows.flatMap(({ stoodIn = [] }) => stoodIn.map((one) => `${one.device} ${one.position}`)));
  return rows.map(({ stoodIn = [] }, device) => {
    const own = planned[device]!.flatMap((_, position) =>
      gone.has(`${device} ${position}`) ? [] : [at(device, position)],
    );
    return [...own, ...stoodIn.map((one) => at(one.device, one.position))].sort((a, b) => a.startMs - b.startMs);
  });
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
