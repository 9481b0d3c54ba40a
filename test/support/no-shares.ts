/** @file Shares of a step that took no time, for rows whose shares do not matter. */
import type { StepShares } from "../../runtime/step-shares.js";

export const NO_SHARES: StepShares = { compute: 0, wait: 0, transfer: 0, update: 0, overhead: 0 };
