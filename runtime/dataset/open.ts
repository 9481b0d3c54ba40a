/** @file Opens what `--data` names: `synthetic`, one file for all inputs, one file per input, or a module of the user. */
import { suggestion } from "../../compiler/closest.js";
import { PipewrightError } from "../../compiler/errors.js";
import { readSafetensors } from "../../compiler/plan/safetensors.js";
import type { Files } from "../env/env.js";
import type { FileArray, FileArrays } from "./array.js";
import { arraysDataset } from "./arrays.js";
import { readCsv } from "./csv.js";
import type { Dataset, FeedSpec } from "./dataset.js";
import { readIdx } from "./idx.js";
import { readNpy } from "./npy.js";
import { readNpz } from "./npz.js";
import { readParquet } from "./parquet.js";
import { inputsOfData, withRandomWords } from "./random-words.js";
import { samplesDataset } from "./samples.js";
import { syntheticDataset } from "./synthetic.js";

/** Largest data file, and largest sum of what an archive unpacks to. */
const DATA_LIMIT_BYTES = 2 ** 31 - 1;

/** How a source is read. */
export interface OpenOptions {
  readonly files: Files;
  readonly seed: number;
  readonly shuffle: boolean;
  /** Microbatches per step. */
  readonly microbatches: number;
  /** Loads a module of the user. Left out: modules are refused. */
  readonly loadModule?: (path: string) => Promise<unknown>;
}

type Reader = (file: string, bytes: Uint8Array) => FileArrays | Promise<FileArrays>;

const single =
  (read: (file: string, bytes: Uint8Array) => FileArray): Reader =>
  (file, bytes) =>
    new Map([["", read(file, bytes)]]);

/** By the end of the file name. */
const READERS: Readonly<Record<string, Reader>> = {
  npy: single(readNpy),
  npz: (file, bytes) => readNpz(file, bytes, DATA_LIMIT_BYTES),
  safetensors: (file, bytes) => readSafetensors(bytes, `data file ${file}`),
  csv: (file, bytes) => readCsv(file, bytes, DATA_LIMIT_BYTES),
  parquet: (file, bytes) => readParquet(file, bytes, DATA_LIMIT_BYTES),
  idx: single(readIdx),
  ubyte: single(readIdx),
};

/**
 * `source` is `synthetic`, `synthetic:NAME=CLASSES,…` for integers that the plan does not limit, `FILE`, `NAME=FILE,…`,
 * or `MODULE.mjs`.
 * @throws USAGE for a source of another form; FILE, LIMIT_EXCEEDED and ARTEFACT_MISMATCH for what is wrong with a file.
 */
export async function openDataset(source: string, inputs: readonly FeedSpec[], options: OpenOptions): Promise<Dataset> {
  const dataset = withRandomWords(await openSource(source, inputsOfData(inputs), options), inputs, options.seed);
  const { seed, shuffle } = options;
  return { ...dataset, identity: { source, seed, shuffle, samples: dataset.samples ?? null } };
}

async function openSource(source: string, inputs: readonly FeedSpec[], options: OpenOptions): Promise<Dataset> {
  const { files, seed, shuffle, microbatches } = options;
  if (source === "synthetic" || source.startsWith("synthetic:")) {
    return syntheticDataset(inputs, { seed, limits: parseLimits(source.slice("synthetic:".length)) });
  }
  if (source.endsWith(".mjs")) {
    if (options.loadModule)
      return samplesDataset(inputs, await options.loadModule(source), { seed, microbatches, source });
    throw new PipewrightError("USAGE", `--data ${source}: modules are for training only. Give a file of arrays.`);
  }
  const arrays = new Map<string, FileArray>();
  for (const { name, file } of parseSources(source)) {
    for (const [key, array] of await readArrays(files, file)) {
      const target = key === "" ? (name ?? onlyInput(inputs, file)) : (name ?? key);
      if (name !== undefined && key !== "" && key !== name) continue;
      arrays.set(target, array);
    }
  }
  return arraysDataset(inputs, arrays, { seed, shuffle, microbatches, source });
}

/** `file` alone gives all inputs; `name=file` one. */
function parseSources(source: string): readonly { readonly name: string | undefined; readonly file: string }[] {
  return source.split(",").map((part) => {
    const equals = part.indexOf("=");
    return equals < 0 ? { name: undefined, file: part } : { name: part.slice(0, equals), file: part.slice(equals + 1) };
  });
}

function parseLimits(text: string): ReadonlyMap<string, number> {
  if (text === "") return new Map();
  return new Map(
    text.split(",").map((part) => {
      const match = /^(.+)=([1-9]\d*)$/.exec(part);
      if (match) return [match[1]!, Number(match[2])];
      throw new PipewrightError(
        "USAGE",
        `--data synthetic: cannot read "${part}"; expected NAME=CLASSES, as in synthetic:labels=10.`,
      );
    }),
  );
}

function onlyInput(inputs: readonly FeedSpec[], file: string): string {
  if (inputs.length === 1) return inputs[0]!.name;
  throw new PipewrightError(
    "USAGE",
    `--data ${file}: the file holds one array without a name, and the plan has ${inputs.length} inputs: ${inputs.map(({ name }) => name).join(", ")}. Give NAME=${file} for each.`,
  );
}

async function readArrays(files: Files, file: string): Promise<FileArrays> {
  const ending = /[.-]([a-z]+)$/i.exec(file)?.[1]?.toLowerCase() ?? "";
  const read = Object.hasOwn(READERS, ending) ? READERS[ending] : undefined;
  if (!read) {
    const known = Object.keys(READERS);
    throw new PipewrightError(
      "USAGE",
      `--data ${file}: unknown kind of file; expected synthetic or a file that ends in ${known.join(", ")}.${suggestion(ending, known)}`,
    );
  }
  const size = await files.size(file);
  if (size > DATA_LIMIT_BYTES) {
    throw new PipewrightError(
      "LIMIT_EXCEEDED",
      `data file ${file}: the file is too large; got ${size} bytes, expected at most ${DATA_LIMIT_BYTES}. Split it.`,
      { file, size },
    );
  }
  return read(file, await files.read(file));
}
