/** @file A dataset over arrays in memory: checks them against the plan, shuffles, and cuts microbatches. */
import { suggestion } from "../../compiler/closest.js";
import { PipewrightError } from "../../compiler/errors.js";
import type { Shape } from "../../compiler/ir/graph.js";
import { elementBytes, elementCount } from "../../compiler/ir/literal.js";
import { formatName, plainName } from "../../compiler/names.js";
import { permutation, RandomStream } from "../../compiler/random.js";
import type { FileArray, FileArrays } from "./array.js";
import { convert } from "./convert.js";
import type { Dataset, Feeds, FeedSpec } from "./dataset.js";

/** How samples are drawn. Without `shuffle` they keep the order of the file. */
export interface ArraysOptions {
  readonly seed: number;
  readonly shuffle: boolean;
  /** Microbatches per step. */
  readonly microbatches: number;
  /** For messages and `about`: the file names. */
  readonly source: string;
}

/** An input with its array: `outer` × samples × `inner` bytes. */
interface Column {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly outer: number;
  readonly inner: number;
  readonly batched: boolean;
}

/**
 * Requires: each array has its samples along the axis that the model batches.
 * Ensures: every sample comes once per epoch; the order is new in each epoch and fixed by the seed. A microbatch may
 * hold the last samples of one epoch and the first of the next.
 * @throws ARTEFACT_MISMATCH for a missing array, a wrong shape or element type, or arrays of different lengths.
 */
export function arraysDataset(inputs: readonly FeedSpec[], arrays: FileArrays, options: ArraysOptions): Dataset {
  const { source, microbatches } = options;
  const batched = inputs.filter(({ batchAxis }) => batchAxis !== undefined);
  const counts = new Map<string, number>();
  const columns = inputs.map((input): Column => {
    const array = convert(find(input, arrays, source), input.dtype, `data ${source}, input ${formatName(input.name)}`);
    const axis = input.batchAxis;
    checkShape(input, array.shape, source);
    if (axis === undefined) return { name: input.name, bytes: array.bytes, outer: 1, inner: 0, batched: false };
    counts.set(input.name, array.shape[axis]!);
    const inner = elementCount(input.shape.slice(axis + 1)) * elementBytes(input.dtype);
    return {
      name: input.name,
      bytes: array.bytes,
      outer: elementCount(input.shape.slice(0, axis)),
      inner,
      batched: true,
    };
  });
  const samples = sampleCount(counts, source);
  const size = batched[0] ? batched[0].shape[batched[0].batchAxis!]! : 1;
  const order = epochOrder(samples, options);
  const feeds = async (step: number, microbatch: number): Promise<Feeds> => {
    const first = (step * microbatches + microbatch) * size;
    const chosen = Array.from({ length: size }, (_, at) => order(first + at));
    return new Map(
      columns.map((column) => [column.name, column.batched ? pick(column, samples, chosen) : column.bytes]),
    );
  };
  return { samples, about: `${samples} samples from ${source}`, feeds };
}

function find({ name }: FeedSpec, arrays: FileArrays, source: string): FileArray {
  const array = arrays.get(name);
  if (array) return array;
  const names = [...arrays.keys()];
  throw new PipewrightError(
    "ARTEFACT_MISMATCH",
    `data ${source}: no array for the input ${formatName(name)}; got ${listed(names)}.${suggestion(name, names)} Save the array under this name, or give --data ${plainName(name)}=FILE.`,
    { input: name, arrays: names },
  );
}

/** Names that a message lists. */
const MOST_NAMES = 8;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).map(formatName).join(", ");
  return names.length > MOST_NAMES ? `${shown} and ${names.length - MOST_NAMES} more` : shown || "none";
}

/** Sizes must agree on all axes but the batch axis. Axes of size 1 may be missing or added. */
function checkShape({ name, shape, batchAxis }: FeedSpec, got: Shape, source: string): void {
  const expected = shape.map((size, axis) => (axis === batchAxis ? "samples" : size));
  const squeezed = (sizes: readonly (number | string)[], from: number) =>
    sizes.slice(from).filter((size) => size !== 1);
  const axis = batchAxis ?? 0;
  const fits =
    batchAxis === undefined
      ? elementCount(got) === elementCount(shape) && String(squeezed(got, 0)) === String(squeezed(shape, 0))
      : got.length > axis &&
        String(got.slice(0, axis)) === String(shape.slice(0, axis)) &&
        String(squeezed(got, axis + 1)) === String(squeezed(shape, axis + 1));
  if (fits) return;
  throw new PipewrightError(
    "ARTEFACT_MISMATCH",
    `data ${source}, input ${formatName(name)}: the shape is wrong; got [${got.join(",")}], expected [${expected.join(",")}].`,
    { input: name, got, expected },
  );
}

function sampleCount(counts: ReadonlyMap<string, number>, source: string): number {
  const lengths = new Set(counts.values());
  const [samples] = lengths;
  const listed = [...counts].map(([name, count]) => `${plainName(name)} ${count}`).join(", ");
  if (lengths.size > 1) {
    throw new PipewrightError(
      "ARTEFACT_MISMATCH",
      `data ${source}: the arrays have different numbers of samples; got ${listed}, expected one number for all.`,
    );
  }
  if (samples === 0)
    throw new PipewrightError("ARTEFACT_MISMATCH", `data ${source}: there are no samples; got ${listed}.`);
  return samples ?? 1;
}

/** Maps the running number of a sample in the whole run to its place in the file. */
function epochOrder(samples: number, { seed, shuffle }: ArraysOptions): (running: number) => number {
  const orders = new Map<number, Uint32Array>();
  return (running) => {
    const epoch = Math.floor(running / samples);
    const position = running % samples;
    if (!shuffle) return position;
    let order = orders.get(epoch);
    if (!order) {
      if (orders.size > 1) orders.delete(Math.min(...orders.keys()));
      order = permutation(samples, new RandomStream(seed, `epoch/${epoch}`));
      orders.set(epoch, order);
    }
    return order[position]!;
  };
}

/** The chosen samples of a column next to each other along its batch axis. */
function pick({ bytes, outer, inner }: Column, samples: number, chosen: readonly number[]): Uint8Array {
  const result = new Uint8Array(outer * chosen.length * inner);
  for (let block = 0; block < outer; block++) {
    for (const [at, sample] of chosen.entries()) {
      const from = (block * samples + sample) * inner;
      result.set(bytes.subarray(from, from + inner), (block * chosen.length + at) * inner);
    }
  }
  return result;
}
