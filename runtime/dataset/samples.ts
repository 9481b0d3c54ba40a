/**
 * @file Samples that a user's module yields one by one. Its default export is a function of { seed, epoch } that gives
 * an iterable or async iterable of samples; a sample has, by input name, a number, a typed array or nested arrays.
 */
import { PipewrightError } from "../../compiler/errors.js";
import { formatName, plainName } from "../../compiler/names.js";
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
    for await (const sample of checkedSamples(make, { seed, epoch }, source)) {
      isEmpty = false;
      yield sample;
    }
    if (isEmpty) throw fault(source, `epoch ${epoch} has no samples.`);
  }
}

/** What the module yields, as long as it is samples. @throws ARTEFACT_MISMATCH, also for what the module throws. */
async function* checkedSamples(
  make: MakeSamples,
  asked: Parameters<MakeSamples>[0],
  source: string,
): AsyncGenerator<Sample> {
  try {
    for await (const sample of await make(asked)) {
      if (typeof sample !== "object" || sample === null)
        throw fault(
          source,
          `it yields no sample; got ${sample === null ? "null" : typeof sample}, expected an object.`,
        );
      yield sample;
    }
  } catch (error) {
    if (error instanceof PipewrightError) throw error;
    const [reason] = (error instanceof Error ? error.message : "it threw what is no error").split("\n");
    throw fault(source, `it failed in epoch ${asked.epoch}; ${reason}.`);
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
    const names = Object.keys(sample).map(plainName).join(", ");
    throw fault(source, `a sample has no ${formatName(name)}; got ${names || "nothing"}.`, name);
  }
  const flat = flatten(value, MOST_AXES);
  if (!flat) throw fault(source, `${formatName(name)} of a sample has more than ${MOST_AXES} axes.`, name);
  if (flat.length !== count)
    throw fault(
      source,
      `${formatName(name)} of a sample has the wrong size; got ${flat.length} elements, expected ${count}.`,
      name,
    );
  const elements = allocateElements(dtype as Exclude<DType, "string">, count);
  const isBig = elements instanceof BigInt64Array || elements instanceof BigUint64Array;
  const isReal = dtype === "float32" || dtype === "float64";
  for (let at = 0; at < count; at++) {
    const number = ["number", "bigint", "boolean"].includes(typeof flat[at]) ? Number(flat[at]) : NaN;
    if (Number.isNaN(number) || (!isReal && !Number.isInteger(number)))
      throw fault(source, `${formatName(name)} of a sample holds ${shown(flat[at])}; expected ${dtype}.`, name);
    elements[at] = isBig ? (BigInt(flat[at] as number) as never) : (number as never);
  }
  return new Uint8Array(elements.buffer);
}

/** As many as arrays of files may have. */
const MOST_AXES = 64;

/** All elements of nested arrays; undefined where they are nested deeper than `axes`. */
function flatten(value: unknown, axes: number): readonly unknown[] | undefined {
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>);
  if (!Array.isArray(value)) return [value];
  if (axes === 0) return undefined;
  const flat: unknown[] = [];
  for (const part of value) {
    const inner = flatten(part, axes - 1);
    if (!inner) return undefined;
    for (const element of inner) flat.push(element);
  }
  return flat;
}

function shown(element: unknown): string {
  const text =
    typeof element === "string"
      ? JSON.stringify(element)
      : ["number", "bigint", "boolean"].includes(typeof element)
        ? String(element)
        : typeof element;
  return text.slice(0, SHOWN_CHARACTERS);
}

/** Longest element that a message shows. */
const SHOWN_CHARACTERS = 120;

function fault(source: string, message: string, input?: string): PipewrightError {
  return new PipewrightError(
    "ARTEFACT_MISMATCH",
    `data module ${source}: ${message}`,
    input === undefined ? { file: source } : { file: source, input },
  );
}
