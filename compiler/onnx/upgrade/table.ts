/**
 * @file All rules that bring a node from its own operator set to opset 21.
 * Source: ONNX operator changelog. Changes that only widen types, or add attributes whose defaults are the old
 * behaviour, need no rule.
 */
import { arithmetic } from "./arithmetic.js";
import { axes } from "./axes.js";
import { movement } from "./movement.js";
import { normalization } from "./normalization.js";
import { resize } from "./resize.js";
import type { Upgrade } from "./rule.js";
import { windows } from "./windows.js";

export const UPGRADES: ReadonlyMap<string, readonly Upgrade[]> = new Map<string, readonly Upgrade[]>(
  Object.entries({ ...arithmetic, ...axes, ...movement, ...normalization, ...resize, ...windows }),
);
