/** @file Plans of the reference models from analytic costs, which are the same on every machine. */
import { fileURLToPath } from "node:url";
import type { Compiled } from "../../compiler/compile.js";
import { compile } from "../../compiler/compile.js";
import { modelOf } from "../../runtime/model-file.js";
import { bindOf, lossOf, readCase } from "../../scripts/corpus/case.js";
import { ADAMW, tinyCluster } from "../support/tiny-models.js";

/** Name of the case, devices and schedule of each plan. */
export const REFERENCE_PLANS = [
  ["mlp", 2, "1f1b"],
  ["lenet", 2, "zb-h1"],
  ["gpt2-untied", 3, "1f1b"],
  ["bert-classifier", 2, "interleaved-1f1b"],
  ["resnet18-bn-train", 3, "zb-h1"],
] as const;

/** Compiles a reference case for 4 microbatches. */
export function compileReference(name: string, devices: number, schedule: string): Promise<Compiled> {
  const subject = readCase(fileURLToPath(new URL(`../../fixtures/reference/models/${name}`, import.meta.url)));
  const model = modelOf(subject.model, name, bindOf(subject, ""));
  return compile(model, {
    cluster: tinyCluster(devices),
    pipeline: { schedule, microbatches: 4 },
    training: { loss: lossOf(subject.about), trainable: subject.about.trainable },
    optimizer: ADAMW,
    partition: { model: "direct", solver: undefined },
    profile: "analytic",
  });
}
