/** @file The clock of this machine. */
import type { Clock } from "./env.js";

/** The monotonic clock of the system: parent and children read the same. */
export const nodeClock: Clock = {
  nowMs: () => Number(process.hrtime.bigint()) / 1e6,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
