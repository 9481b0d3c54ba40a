/** @file Feeds the input that a model with random ops has besides its own: two random words per microbatch. */
import { randomWords, RANDOM_WORDS } from "../../compiler/random.js";
import type { Dataset, FeedSpec } from "./dataset.js";

/**
 * The input of the random words: the last one of their name and type. Where the model has a tensor of that name already,
 * theirs has a number behind it.
 */
function wordsAmong(inputs: readonly FeedSpec[]): FeedSpec | undefined {
  return inputs.findLast(
    ({ name, dtype, shape }) =>
      (name === RANDOM_WORDS || name.startsWith(`${RANDOM_WORDS}.`)) && dtype === "uint32" && shape.join() === "2",
  );
}

/** The inputs that data must bring: all but the random words. */
export function inputsOfData(inputs: readonly FeedSpec[]): readonly FeedSpec[] {
  const words = wordsAmong(inputs);
  return inputs.filter((input) => input !== words);
}

/**
 * The dataset with the random words of each microbatch, if `inputs` has them: a function of seed, step and microbatch,
 * so that a run that resumes draws what it would have drawn.
 */
export function withRandomWords(dataset: Dataset, inputs: readonly FeedSpec[], seed: number): Dataset {
  const name = wordsAmong(inputs)?.name;
  if (name === undefined) return dataset;
  return {
    samples: dataset.samples,
    about: dataset.about,
    feeds: async (step, microbatch) => {
      const words = Uint32Array.from(randomWords(seed, step, microbatch));
      return new Map([...(await dataset.feeds(step, microbatch)), [name, new Uint8Array(words.buffer)]]);
    },
  };
}
