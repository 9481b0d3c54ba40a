/** @file The table of all ops. A missing op does not compile. */
import { binary } from "./binary.js";
import { activation } from "./activation.js";
import { cast } from "./cast.js";
import { clamp } from "./clamp.js";
import { comparison } from "./compare.js";
import { random } from "./random.js";
import { scan } from "./scan.js";
import { softmax } from "./softmax.js";
import { unary } from "./unary.js";
import { variadic } from "./variadic.js";
import type { OpTable } from "./define.js";
import { movement } from "./movement.js";
import { reduce } from "./reduce.js";

export const OPS: OpTable = {
  ...binary,
  ...activation,
  ...cast,
  ...clamp,
  ...comparison,
  ...random,
  ...scan,
  ...softmax,
  ...unary,
  ...variadic,
  ...movement,
  ...reduce,
};
