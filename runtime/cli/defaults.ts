/** @file What counts where a flag is left out, as the flag's own text; in parentheses where it depends on something. */
import type { FlagName } from "./flags.js";

/** Flags without an entry do nothing when they are left out. */
export const DEFAULTS = {
  devices: "2",
  link: "(shared memory of this machine)",
  microbatches: "(2 for each device)",
  schedule: "auto",
  recompute: "(searched by --schedule auto, else none)",
  window: "(devices + 2)",
  loss: "(the model's own scalar, else mse of its only float output)",
  optimizer: "adamw:lr=0.001,beta1=0.9,beta2=0.999,eps=1e-8,weight-decay=0.01",
  trainable: "(every float parameter that the loss reaches)",
  batchNorm: "model",
  gap: "0.01%",
  method: "auto",
  analytic: "false",
  shuffle: "true",
  seed: "0",
  steps: "100",
  prefetch: "2",
  keep: "2",
  restarts: "0",
} as const satisfies { readonly [K in FlagName]?: string };
