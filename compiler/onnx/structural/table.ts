/** @file All structural operators of ai.onnx, by name. */
import { constants } from "./constant.js";
import { controlFlow } from "./control-flow.js";
import type { Handler } from "./handler.js";
import { sequences } from "./sequence.js";

export const STRUCTURAL: ReadonlyMap<string, Handler> = new Map<string, Handler>(
  Object.entries({ ...constants, ...controlFlow, ...sequences }),
);
