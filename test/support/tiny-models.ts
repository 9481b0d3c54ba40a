/** @file The smallest models that have what plans must cope with, and a short way to compile them. */
import { createHash } from "node:crypto";
import type { ClusterSpec } from "../../compiler/cluster.js";
import { localCluster } from "../../compiler/cluster.js";
import type { Compiled } from "../../compiler/compile.js";
import { compile } from "../../compiler/compile.js";
import { formatGraph } from "../../compiler/ir/print.js";
import { parseLoss } from "../../compiler/loss/spec.js";
import type { Recompute } from "../../compiler/planning/candidate.js";
import type { BatchNormMode, OptimizerSpec } from "../../compiler/plan/plan.js";
import type { SteeringRules } from "../../compiler/steering.js";
import type { Lesson } from "../../models/lesson.js";
import { gptLesson, mlpLesson, resnetLesson } from "../../models/lesson.js";

export type TinyModel = Lesson;

/** Linear layers only. */
export const TINY_MLP = mlpLesson({ batch: 2, inputs: 3, widths: [4, 4, 4], classes: 2 });

const GPT = { layers: 3, width: 8, heads: 2, sequence: 4, batch: 2, vocabulary: 7 };

/** Residual connections, and a table whose transpose is the last projection. */
export const TIED_GPT = gptLesson({ ...GPT, tied: true });

/** A table whose gradient is zero but for the rows of a microbatch; some rows come twice in one. */
export const UNTIED_GPT = gptLesson(GPT);

/** Running statistics, which every forward pass replaces. */
export const TINY_RESNET = resnetLesson({ batch: 2, image: 4, channels: 2, groups: 2, blocks: 1, classes: 3 });

/** Momentum 0.9. */
export const SGD: OptimizerSpec = { kind: "sgd", learningRate: 0.05, momentum: 0.9, weightDecay: 0.01 };
/** The usual AdamW, with a large step. */
export const ADAMW: OptimizerSpec = {
  kind: "adamw",
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
};

/** AdamW with all that may go with it: groups of parameters, warm-up and cosine, clipped gradients. */
export const TUNED: OptimizerSpec = {
  ...ADAMW,
  groups: [
    { parameters: ["@vectors"], weightDecay: 0 },
    { parameters: ["head.*"], learningRateScale: 0.5 },
  ],
  schedule: { kind: "cosine", warmupSteps: 2, warmupStart: 0.1, totalSteps: 8, floor: 0.05 },
  clipNorm: 0.1,
};

/** What of a compilation tests vary; the rest is the same for all. */
export interface TinyOptions {
  readonly devices?: number;
  readonly cluster?: ClusterSpec;
  readonly schedule?: string;
  readonly stagesPerDevice?: number;
  readonly microbatches?: number;
  readonly recompute?: Recompute;
  readonly optimizer?: OptimizerSpec;
  readonly batchNorm?: BatchNormMode;
  readonly withOutputs?: boolean;
  readonly loss?: string;
  readonly steering?: SteeringRules;
}

/** Cores with a link so fast that compute alone decides where tiny models are cut. */
export function tinyCluster(devices: number): ClusterSpec {
  return { ...localCluster(devices), link: { bytesPerMs: 1e9, latencyMs: 1e-6 } };
}

/** Compiles with analytic costs: 2 devices, 1f1b, 4 microbatches, SGD unless told otherwise. */
export function compileTiny(
  { built, loss }: Pick<TinyModel, "built" | "loss">,
  options: TinyOptions = {},
): Promise<Compiled> {
  const { devices = 2, schedule = "1f1b", microbatches = 4, optimizer = SGD, withOutputs = false } = options;
  const { stagesPerDevice, batchNorm, recompute = "none", cluster = tinyCluster(devices), steering = {} } = options;
  const digest = createHash("sha256").update(formatGraph(built.graph)).digest("hex");
  return compile(
    { name: built.graph.name, digest, graph: built.graph, bind: {} },
    {
      cluster,
      pipeline: { schedule, microbatches, recompute, ...(stagesPerDevice === undefined ? {} : { stagesPerDevice }) },
      training: { loss: [parseLoss(options.loss ?? loss)], withOutputs, ...(batchNorm && { batchNorm }) },
      optimizer,
      partition: { model: "direct", solver: undefined, steering },
      profile: "analytic",
    },
  );
}
