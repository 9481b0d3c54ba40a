/** @file AdamW as it is where nothing else is asked for. */
import type { OptimizerSpec } from "../plan/plan.js";

/** Source: the defaults of torch.optim.AdamW. */
export const ADAMW = {
  kind: "adamw",
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
} as const satisfies OptimizerSpec;
