/** @file What the benches train: lessons of a size that keeps a core busy for milliseconds. */
import { BENCH_GPT } from "../../models/gpt.js";
import type { Lesson } from "../../models/lesson.js";
import { gptLesson, mlpLesson, resnetLesson } from "../../models/lesson.js";

export interface BenchModel {
  /** For the report. */
  readonly sizes: object;
  readonly lesson: () => Lesson;
}

const RESNET = { batch: 8, image: 32, channels: 32, groups: 3, blocks: 2, classes: 10 };
const MLP = { batch: 64, inputs: 1024, widths: [2048, 2048, 2048, 2048, 2048, 2048], classes: 16 };

/** By the names that `--model` takes. */
export const BENCH_MODELS: Readonly<Record<string, BenchModel>> = {
  gpt: { sizes: BENCH_GPT, lesson: () => gptLesson(BENCH_GPT) },
  resnet: { sizes: RESNET, lesson: () => resnetLesson(RESNET) },
  mlp: { sizes: MLP, lesson: () => mlpLesson(MLP) },
};
