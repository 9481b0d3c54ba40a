/** @file What bench-train trains: a model, its loss and endless samples, each of a size that keeps a core busy for milliseconds. */
import type { BuiltModel } from "../../models/model.js";
import { BENCH_GPT, buildGpt, GPT_LOSS } from "../../models/gpt.js";
import { buildMlp, MLP_LOSS } from "../../models/mlp.js";
import { buildResnet, RESNET_LOSS } from "../../models/resnet.js";
import type { Task } from "../../models/tasks.js";
import { clusterTask, markovTask } from "../../models/tasks.js";

export interface BenchModel {
  readonly build: () => BuiltModel;
  /** In the form of `--loss`. */
  readonly loss: string;
  readonly task: Task;
  /** For the report. */
  readonly sizes: object;
}

const RESNET = { batch: 8, image: 32, channels: 32, groups: 3, blocks: 2, classes: 10 } as const;
const MLP = { batch: 64, inputs: 1024, widths: [2048, 2048, 2048, 2048, 2048, 2048], classes: 16 } as const;

/** By the names that `--model` takes. */
export const BENCH_MODELS: Readonly<Record<string, BenchModel>> = {
  gpt: { build: () => buildGpt(BENCH_GPT), loss: GPT_LOSS, task: markovTask(BENCH_GPT), sizes: BENCH_GPT },
  resnet: {
    build: () => buildResnet(RESNET),
    loss: RESNET_LOSS,
    task: clusterTask({ ...RESNET, input: "image", shape: [3, RESNET.image, RESNET.image] }),
    sizes: RESNET,
  },
  mlp: {
    build: () => buildMlp(MLP),
    loss: MLP_LOSS,
    task: clusterTask({ ...MLP, input: "x", shape: [MLP.inputs] }),
    sizes: MLP,
  },
};
