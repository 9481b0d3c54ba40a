/** @file Random samples in the shapes that a plan asks for: enough to time a run, or to see that it works at all. */
import { formatName, plainName } from "../../compiler/names.js";
import { PipewrightError } from "../../compiler/errors.js";
import { suggestion } from "../../compiler/closest.js";
import type { DType } from "../../compiler/ir/graph.js";
import { allocateElements, elementCount, hasPlainNumbers } from "../../compiler/ir/literal.js";
import { RandomStream } from "../../compiler/random.js";
import type { Dataset, Feeds, FeedSpec } from "./dataset.js";

/** `limits`: classes of integer inputs, over what the plan says. Inputs of which neither knows are 0 or 1. */
export interface SyntheticOptions {
  readonly seed: number;
  readonly limits: ReadonlyMap<string, number>;
}

/**
 * Standard normal numbers for float32 and float64, uniform integers and booleans for the rest.
 * @throws USAGE for a limit on a tensor that is not there, MODEL_UNSUPPORTED for strings and 16-bit floats.
 */
export function syntheticDataset(inputs: readonly FeedSpec[], { seed, limits }: SyntheticOptions): Dataset {
  const names = inputs.map(({ name }) => name);
  for (const name of limits.keys()) {
    if (names.includes(name)) continue;
    throw new PipewrightError(
      "USAGE",
      `--data synthetic: no input is called ${formatName(name)}; got inputs ${names.map(plainName).join(", ")}.${suggestion(name, names)}`,
    );
  }
  for (const { name, dtype } of inputs) {
    if (hasPlainNumbers(dtype)) continue;
    throw new PipewrightError(
      "MODEL_UNSUPPORTED",
      `--data synthetic: cannot make up ${dtype} for input ${formatName(name)}. Give a file with --data.`,
    );
  }
  const feeds = async (step: number, microbatch: number): Promise<Feeds> =>
    new Map(
      inputs.map(({ name, dtype, shape, batchAxis, below }) => {
        const place = batchAxis === undefined ? "shared" : `${step}/${microbatch}`;
        const stream = new RandomStream(seed, `synthetic/${name}/${place}`);
        return [
          name,
          randomElements(dtype as NumberDType, elementCount(shape), limits.get(name) ?? below ?? 2, stream),
        ];
      }),
    );
  return { samples: undefined, about: `random samples, seed ${seed}`, feeds };
}

type NumberDType = Exclude<DType, "string" | "float16" | "bfloat16">;

function randomElements(dtype: NumberDType, count: number, limit: number, stream: RandomStream): Uint8Array {
  const elements = allocateElements(dtype, count);
  if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) {
    for (let at = 0; at < count; at++) elements[at] = BigInt(stream.below(limit));
  } else {
    const real = dtype === "float32" || dtype === "float64";
    const below = dtype === "bool" ? 2 : limit;
    for (let at = 0; at < count; at++) elements[at] = real ? stream.normal() : stream.below(below);
  }
  return new Uint8Array(elements.buffer);
}
