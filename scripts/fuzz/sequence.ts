/** @file The endless sequence of models that a seed gives: the command and the tests go through the same one. */
import { mutate, randomBelow } from "./mutate.js";
import { illegalGraph } from "./structured.js";

/** One model in so many is a legal graph with one illegal edit. */
const ILLEGAL_EVERY = 8;

/** Bytes to import, and what makes their graph illegal, if that is known. */
export interface FuzzedModel {
  readonly bytes: Uint8Array;
  readonly edit?: string;
}

/** `models` are what most are mutated from. */
export function* fuzzedModels(models: readonly Uint8Array[], seed: number): Generator<FuzzedModel, never> {
  const below = randomBelow(seed);
  for (let number = 0; ; number++)
    yield number % ILLEGAL_EVERY === 0
      ? illegalGraph(below)
      : { bytes: mutate(models[below(models.length)]!, models[below(models.length)]!, below) };
}
