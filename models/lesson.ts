/** @file The models of this folder, each with its loss and samples to train it on. */
import type { GptOptions } from "./gpt.js";
import { buildGpt, GPT_LOSS } from "./gpt.js";
import type { MlpOptions } from "./mlp.js";
import { buildMlp, MLP_LOSS } from "./mlp.js";
import type { BuiltModel } from "./model.js";
import type { ResnetOptions } from "./resnet.js";
import { buildResnet, RESNET_LOSS } from "./resnet.js";
import type { Task } from "./tasks.js";
import { clusterTask, markovTask } from "./tasks.js";

/** A model and what it learns. */
export interface Lesson {
  readonly built: BuiltModel;
  /** In the form of `--loss`. */
  readonly loss: string;
  readonly task: Task;
}

export function gptLesson(options: GptOptions): Lesson {
  return { built: buildGpt(options), loss: GPT_LOSS, task: markovTask(options) };
}

export function mlpLesson(options: MlpOptions): Lesson {
  const task = clusterTask({ ...options, input: "x", shape: [options.inputs] });
  return { built: buildMlp(options), loss: MLP_LOSS, task };
}

export function resnetLesson(options: ResnetOptions): Lesson {
  const task = clusterTask({ ...options, input: "image", shape: [3, options.image, options.image] });
  return { built: buildResnet(options), loss: RESNET_LOSS, task };
}
