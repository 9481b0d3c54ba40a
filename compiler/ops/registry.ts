/** @file The table of all ops. A missing op does not compile. */
import { binary } from "./binary.js";
import type { OpTable } from "./define.js";
import { movement } from "./movement.js";
import { reduce } from "./reduce.js";

export const OPS: OpTable = { ...binary, ...movement, ...reduce };
