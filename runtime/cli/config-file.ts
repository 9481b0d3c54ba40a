/** @file Configuration files: from a YAML or JSON document to the text of flags. config-schema.ts describes the same for editors. */
import { PipewrightError } from "../../compiler/errors.js";
import type { Files } from "../env/env.js";
import { readTextAtMost } from "../plain-file.js";
import type { GivenFlag, GivenFlags } from "./config.js";
import { flagNamed } from "./config.js";
import { suggestion } from "../../compiler/closest.js";
import type { FlagName } from "./flags.js";
import { JOINTS, longName } from "./flags.js";
import type { FixedName } from "./foreign-names.js";
import { AUTO_FLAGS, byPlainName, plainName, SMP_FIXED, SMP_FLAGS } from "./foreign-names.js";

/** Configuration files have some hundred bytes. */
const CONFIG_LIMIT_BYTES = 2 ** 16;
/** Names that say nothing to us. */
export const IGNORED_NAMES = ["version", "$schema"];
/** The key of SageMaker's dictionary. */
export const SMP_KEY = "smp";

const FIXED = byPlainName(SMP_FIXED);
const SMP_NAMES = byPlainName(SMP_FLAGS);

/**
 * Flags of a YAML or JSON file: one map from flag names to scalars, lists, or maps such as `bind: {batch: 4}`; names of
 * SageMaker and DeepSpeed too, and SageMaker's dictionary as `smp`.
 * @throws FILE; USAGE for what is no flag, for two names that give one flag two values, and for what nothing here does.
 */
export async function readConfig(files: Files, path: string): Promise<GivenFlags> {
  const { parse } = await import("yaml");
  const text = await readTextAtMost(files, path, CONFIG_LIMIT_BYTES, "USAGE");
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 0, logLevel: "error" });
  } catch (error) {
    const [first = ""] = (error as Error).message.split("\n");
    const why = /call stack/.test(first) ? "it is nested too deep." : first;
    throw new PipewrightError("USAGE", `${path}: neither YAML nor JSON: ${why}`);
  }
  if (!isMap(document)) {
    throw new PipewrightError("USAGE", `${path}: expected a map from flags to values, such as "devices: 4".`);
  }
  const given = new Map<FlagName, GivenFlag>();
  for (const [key, value] of Object.entries(document)) {
    if (IGNORED_NAMES.includes(key)) continue;
    if (plainName(key) === SMP_KEY) addSmp(given, value, `${path}, ${key}`);
    else addSetting(given, key, value, path);
  }
  return given;
}

/** Adds one entry of a file. */
function addSetting(given: Map<FlagName, GivenFlag>, key: string, value: unknown, path: string): void {
  const source = `${path}, ${key}`;
  const fixed = FIXED.get(plainName(key));
  if (fixed) return refuseUnlessAccepted(fixed, value, source);
  const name = flagNamed(key, path);
  const text = flagText(value, source, JOINTS[name]);
  if (AUTO_FLAGS.includes(name) && text === "auto") return;
  put(given, name, { text, source });
}

function refuseUnlessAccepted({ accepts, reason }: FixedName, value: unknown, source: string): void {
  if (accepts.includes(String(value).toLowerCase())) return;
  const expected = accepts.length === 0 ? "expected it left out" : `expected ${accepts.join(" or ")}`;
  throw new PipewrightError(
    "USAGE",
    `${source}: it cannot be done here; got ${JSON.stringify(value)}, ${expected}, because ${reason}.`,
  );
}

/** SageMaker's dictionary. `optimize` and `memory_weight` are of its own partitioner, so they choose that one. */
function addSmp(given: Map<FlagName, GivenFlag>, value: unknown, source: string): void {
  if (!isMap(value))
    throw new PipewrightError("USAGE", `${source}: expected a map of SageMaker's parameters, such as "partitions: 4".`);
  const own = new Map<FlagName, GivenFlag>();
  for (const [key, part] of Object.entries(value)) {
    const known = [SMP_NAMES, FIXED].some((names) => names.has(plainName(key)));
    if (known) addSetting(own, key, part, source);
    else throw unknownParameter(key, source);
  }
  if (own.has("memoryWeight")) own.delete("optimize");
  const implied: readonly [FlagName, FlagName, string][] = [
    ["memoryWeight", "method", "smp"],
    ["optimize", "method", "smp"],
    ["window", "schedule", "interleaved"],
  ];
  for (const [cause, name, text] of implied) {
    const by = own.get(cause);
    if (by && !own.has(name)) own.set(name, { text, source: by.source });
  }
  for (const [name, flag] of own) put(given, name, flag);
}

function unknownParameter(name: string, source: string): PipewrightError {
  const hint = suggestion(name, [...Object.keys(SMP_FLAGS), ...Object.keys(SMP_FIXED)]);
  return new PipewrightError("USAGE", `${source}: SageMaker has no parameter "${name}".${hint}`);
}

/** @throws USAGE when the flag has another value already, by another name. */
function put(given: Map<FlagName, GivenFlag>, name: FlagName, { text, source }: GivenFlag): void {
  const before = given.get(name);
  if (before && before.text !== text)
    throw new PipewrightError(
      "USAGE",
      `${source}: it is ${longName(name)}, which has a value already; got ${text} and ${before.text} (${before.source}). Leave one out.`,
    );
  given.set(name, { text, source });
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What would be written after the flag: lists with what joins its values, maps as name=value. */
function flagText(value: unknown, source: string, joint = ","): string {
  const scalar = (part: unknown): string => {
    if (["string", "number", "boolean"].includes(typeof part)) return String(part);
    throw new PipewrightError("USAGE", `${source}: expected a scalar, a list of scalars or a map of scalars.`);
  };
  if (Array.isArray(value)) return value.map(scalar).join(joint);
  if (!isMap(value)) return scalar(value);
  return Object.entries(value)
    .map(([name, part]) => `${name}=${scalar(part)}`)
    .join(",");
}
