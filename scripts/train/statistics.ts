/** @file What the time of steps went to. */
import { median } from "../../runtime/median.js";
import type { StepResult } from "../../runtime/pipeline.js";
import type { ShareName, StepShares } from "../../runtime/step-shares.js";
import { meanShares, SHARE_NAMES, sumOfShares } from "../../runtime/step-shares.js";

/** Compute of all devices in a step, ms; without waits and update. */
export function computeMs({ rows }: StepResult): number {
  return rows.reduce((sum, { shares }) => sum + shares.compute, 0);
}

/** Idle time of all devices between the first start and the last end of an action, as a share. */
export function idleShare({ rows }: StepResult): number {
  const first = Math.min(...rows.map(({ startMs }) => startMs[0]!));
  const last = Math.max(...rows.flatMap(({ endMs }) => [...endMs]));
  const busy = rows.reduce(
    (sum, { startMs, endMs }) => sum + endMs.reduce((s, end, at) => s + end - startMs[at]!, 0),
    0,
  );
  return 1 - busy / ((last - first) * rows.length);
}

/** Where the time went, the median of each share over the steps, and two checks of it. */
export interface Accounting {
  /** Mean over the devices, ms. */
  readonly shares: StepShares;
  /** Sum of the shares over the time of the step: the share of it that differs most from 1, over devices and steps. */
  readonly sumOverStep: number;
  /** Overhead outside the engine per action, µs. */
  readonly overheadMicrosPerAction: number;
  /** Overhead outside the engine over the time of the step, median. */
  readonly overheadOverStep: number;
}

export function accountingOf(steps: readonly StepResult[]): Accounting {
  const each = steps.map(({ rows }) => meanShares(rows.map(({ shares }) => shares)));
  const shares = Object.fromEntries(SHARE_NAMES.map((name) => [name, median(each.map((one) => one[name]))])) as Record<
    ShareName,
    number
  >;
  const sums = steps.flatMap(({ ms, rows }) => rows.map((row) => sumOfShares(row.shares) / ms));
  const sumOverStep = sums.reduce((worst, sum) => (Math.abs(sum - 1) > Math.abs(worst - 1) ? sum : worst), 1);
  const actions = steps[0]!.rows.reduce((sum, { endMs }) => sum + endMs.length, 0) / steps[0]!.rows.length;
  const overheadOverStep = median(steps.map(({ ms }, step) => each[step]!.overhead / ms));
  return { shares, sumOverStep, overheadMicrosPerAction: (1e3 * shares.overhead) / actions, overheadOverStep };
}
