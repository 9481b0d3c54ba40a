/** @file Randomness of this machine. */
import { randomBytes } from "node:crypto";
import type { Random } from "./env.js";

/** Unpredictable bytes from the system. */
export const nodeRandom: Random = { bytes: (count) => new Uint8Array(randomBytes(count)) };
