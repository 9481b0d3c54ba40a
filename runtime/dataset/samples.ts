/**
 * @file Samples that a user's module yields one by one. Its default export is a function of { seed, epoch } that gives
 * an iterable or async iterable of samples; a sample has, by input name, a number, a typed array or nested arrays.
 */
import { PipewrightError } from "../../compiler/errors.js";
import type { DType } from "../../compiler/ir/graph.js";
import { allocateElements, elementBytes, elementCount } from "../../compiler/ir/literal.js";
import type { Dataset, Feeds, FeedSpec } from "./dataset.js";

/** What a module exports by default. */
type MakeSamples = (epoch: { readonly seed: number; readonly epoch: number }) => Samples | Promise<Samples>;
type Samples = Iterable<Sample> | AsyncIterable<Sample>;
type Sample = Readonly<Record<string, unknown>>;

export interface SamplesOptions {
  readonly seed: number;
  /** Microbatches per step. */
  readonly microbatches: number;
  /** For messages and `about`: the file name. */
  readonly source: string;
}

/**
 * The module decides order and shuffling; when its samples end, it is asked for those of the next epoch. A microbatch
 * that is asked for out of order starts the module over, up to there.
 * @throws ARTEFACT_MISMATCH for a module without such an export, and from `feeds` for samples that do not fit.
 */
export function samplesDataset(inputs: readonly FeedSpec[], module: unknown, options: SamplesOptions): Dataset {
  const { seed, microbatches, source } = options;
  const make = (module as { readonly default?: unknown }).default;
  if (typeof make !== "function")
    throw fault(
      source,
      "it has no function as its default export; expected export default async function* ({ seed, epoch }).",
    );
  const batched = inputs.find(({ batchAxis }) => batchAxis !== undefined);
  const size = batched ? batched.shape[batched.batchAxis!]! : 1;
  let stream = endless(make as MakeSamples, seed, source);
  let position = 0;
  const take = async (): Promise<Sample> => (await stream.next()).value as Sample;
  const read = async (wanted: number): Promise<Feeds> => {
    if (wanted < position) {
      stream = endless(make as MakeSamples, seed, source);
      position = 0;
    }
    for (; position < wanted; position++) for (let skipped = 0; skipped < size; skipped++) await take();
    const samples: Sample[] = [];
    while (samples.length < size) samples.push(await take());
    position++;
    return new Map(inputs.map((input) => [input.name, gather(input, samples, source)]));
  };
  let last: Promise<unknown> = Promise.resolve();
  const feeds = (step: number, microbatch: number): Promise<Feeds> => {
    const next = last.then(() => read(step * microbatches + microbatch));
    last = next.catch(() => undefined);
    return next;
  };
  return { samples: undefined, about: `samples of ${source}`, feeds };
}

async function* endless(make: MakeSamples, seed: number, source: string): AsyncGenerator<Sample> {
  for (let epoch = 0; ; epoch++) {
    let isEmpty = true;
    for await (const sample of await make({ seed, epoch })) {
      isEmpty = false;
      yield sample;
    }
    if (isEmpty) throw fault(source, `epoch ${epoch} has no samples.`);
  }
}

/** The values of an input next to each other along its batch axis. */
function gather(input: FeedSpec, samples: readonly Sample[], source: string): Uint8Array {
  const { dtype, shape, batchAxis: axis } = input;
  if (axis === undefined) return elementsOf(input, samples[0]!, elementCount(shape), source);
  const outer = elementCount(shape.slice(0, axis));
  const inner = elementCount(shape.slice(axis + 1));
  const width = inner * elementBytes(dtype);
  const result = new Uint8Array(elementCount(shape) * elementBytes(dtype));
  for (const [at, sample] of samples.entries()) {
    const bytes = elementsOf(input, sample, outer * inner, source);
    for (let block = 0; block < outer; block++)
      result.set(bytes.subarray(block * width, (block + 1) * width), (block * samples.length + at) * width);
  }
  return result;
}

function elementsOf({ name, dtype }: FeedSpec, sample: Sample, count: number, source: string): Uint8Array {
  const value = sample[name];
  if (value === undefined) {
    const names = Object.keys(sample).join(", ");
    throw fault(source, `a sample has no "${name}"; got ${names || "nothing"}.`, name);
  }
  const flat = flatten(value);
  if (flat.length !== count)
    throw fault(
      source,
      `"${name}" of a sample has the wrong size; got ${flat.length} elements, expected ${count}.`,
      name,
    );
  const elements = allocateElements(dtype as Exclude<DType, "string">, count);
  const isBig = elements instanceof BigInt64Array || elements instanceof BigUint64Array;
  const isReal = dtype === "float32" || dtype === "float64";
  for (let at = 0; at < count; at++) {
    const number = Number(flat[at]);
    if (Number.isNaN(number) || (!isReal && !Number.isInteger(number)))
      throw fault(source, `"${name}" of a sample holds ${String(flat[at])}; expected ${dtype}.`, name);
    elements[at] = isBig ? (BigInt(flat[at] as number) as never) : (number as never);
  }
  return new Uint8Array(elements.buffer);
}

function flatten(value: unknown): readonly unknown[] {
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>);
  return Array.isArray(value) ? value.flatMap(flatten) : [value];
}

function fault(source: string, message: string, input?: string): PipewrightError {
  return new PipewrightError(
    "ARTEFACT_MISMATCH",
    `data module ${source}: ${message}`,
    input === undefined ? { file: source } : { file: source, input },
  );
}
