/** @file Feeds the input that a model with random ops has besides its own: two random words per microbatch. */
import { randomWords, RANDOM_WORDS } from "../../compiler/random.js";
import type { Dataset, FeedSpec } from "./dataset.js";

/** The inputs that data must bring: all but the random words. */
export function inputsOfData(inputs: readonly FeedSpec[]): readonly FeedSpec[] {
  return inputs.filter(({ name }) => name !== RANDOM_WORDS);
}

/**
 * The dataset with the random words of each microbatch, if `inputs` has them: a function of seed, step and microbatch,
 * so that a run that resumes draws what it would have drawn.
 */
export function withRandomWords(dataset: Dataset, inputs: readonly FeedSpec[], seed: number): Dataset {
  if (inputsOfData(inputs).length === inputs.length) return dataset;
  return {
    samples: dataset.samples,
    about: dataset.about,
    feeds: async (step, microbatch) => {
      const words = Uint32Array.from(randomWords(seed, step, microbatch));
      return new Map([...(await dataset.feeds(step, microbatch)), [RANDOM_WORDS, new Uint8Array(words.buffer)]]);
    },
  };
}
