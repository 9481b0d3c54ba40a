/**
 * @file Flags from a file, from the environment and from `--set`. All give text that the flag's own reader reads, so
 * there is one meaning and one error for each flag. Later sources win: file, environment, --set, the flag itself.
 */
import { closest } from "../../compiler/closest.js";
import { PipewrightError } from "../../compiler/errors.js";
import type { Files } from "../env/env.js";
import type { FlagName, FlagValues } from "./flags.js";
import { FLAGS, JOINTS, longName } from "./flags.js";

/** A flag's text and where it was given, for messages. */
export interface GivenFlag {
  readonly text: string;
  readonly source: string;
}

export type GivenFlags = ReadonlyMap<FlagName, GivenFlag>;

/** Names that users of other systems know. `version` and `$schema` say nothing to us. */
const ALIASES: Readonly<Record<string, FlagName>> = {
  partitions: "devices",
  pipeline: "schedule",
  activemicrobatches: "window",
  maxinflightmicrobatches: "maxInFlight",
  gradientaccumulationsteps: "microbatches",
  gradientclipping: "clipNorm",
  maxgradnorm: "clipNorm",
  scheduler: "lrSchedule",
};
const IGNORED = ["version", "$schema"];

const plain = (name: string): string => name.toLowerCase().replace(/[-_]/g, "");
const BY_PLAIN_NAME: ReadonlyMap<string, FlagName> = new Map([
  ...Object.entries(ALIASES),
  ...(Object.keys(FLAGS) as FlagName[]).map((name) => [plain(name), name] as const),
]);

/** The flag of this name in any spelling. @throws USAGE with the nearest name. */
function flagNamed(name: string, source: string): FlagName {
  const found = BY_PLAIN_NAME.get(plain(name));
  if (found) return found;
  const near = closest(plain(name), BY_PLAIN_NAME.keys());
  const hint = near === undefined ? "" : ` Did you mean ${longName(BY_PLAIN_NAME.get(near)!)}?`;
  throw new PipewrightError("USAGE", `${source}: there is no flag "${name}".${hint} \`pipewright --help\` lists all.`);
}

/** Flags of a YAML or JSON file: one map from flag names to scalars, lists, or maps such as `bind: {batch: 4}`. */
export async function readConfig(files: Files, path: string): Promise<GivenFlags> {
  const { parse } = await import("yaml");
  const text = new TextDecoder().decode(await files.read(path));
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new PipewrightError("USAGE", `${path}: neither YAML nor JSON: ${(error as Error).message.split("\n")[0]}`);
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new PipewrightError("USAGE", `${path}: expected a map from flags to values, such as "devices: 4".`);
  }
  const given = new Map<FlagName, GivenFlag>();
  for (const [key, value] of Object.entries(document)) {
    if (IGNORED.includes(key)) continue;
    const source = `${path}, ${key}`;
    const name = flagNamed(key, path);
    given.set(name, { text: flagText(value, source, JOINTS[name]), source });
  }
  return given;
}

/** What would be written after the flag: lists with what joins its values, maps as name=value. */
function flagText(value: unknown, source: string, joint = ","): string {
  const scalar = (part: unknown): string => {
    if (["string", "number", "boolean"].includes(typeof part)) return String(part);
    throw new PipewrightError("USAGE", `${source}: expected a scalar, a list of scalars or a map of scalars.`);
  };
  if (Array.isArray(value)) return value.map(scalar).join(joint);
  if (typeof value !== "object" || value === null) return scalar(value);
  return Object.entries(value)
    .map(([name, part]) => `${name}=${scalar(part)}`)
    .join(",");
}

/** Flags of variables such as PIPEWRIGHT_STAGES_PER_DEVICE. */
export function environmentFlags(variables: Readonly<Record<string, string | undefined>>): GivenFlags {
  const given = new Map<FlagName, GivenFlag>();
  for (const name of Object.keys(FLAGS) as FlagName[]) {
    const source = `PIPEWRIGHT_${longName(name).toUpperCase().replaceAll("-", "_")}`;
    const text = variables[source];
    if (text !== undefined && text !== "") given.set(name, { text, source });
  }
  return given;
}

/** Flags of `--set NAME=VALUE`. */
export function setFlags(settings: readonly string[]): GivenFlags {
  return new Map(
    settings.map((setting) => {
      const equals = setting.indexOf("=");
      if (equals < 1) {
        throw new PipewrightError("USAGE", `--set: cannot read "${setting}"; expected FLAG=VALUE, such as devices=4.`);
      }
      const name = setting.slice(0, equals);
      return [flagNamed(name, "--set"), { text: setting.slice(equals + 1), source: `--set ${name}` }];
    }),
  );
}

/** Of each wanted flag that was given, the text that counts. */
export function givenFlags(sources: readonly GivenFlags[], wanted: readonly FlagName[]): GivenFlags {
  const found = wanted.map((name) => [name, sources.findLast((flags) => flags.has(name))?.get(name)] as const);
  return new Map(found.flatMap(([name, given]) => (given ? [[name, given] as const] : [])));
}

/** Reads the flags that a command has; the rest of a shared file or environment is for other commands. */
export function readFlags(sources: readonly GivenFlags[], wanted: readonly FlagName[]): FlagValues {
  const values: Record<string, unknown> = {};
  for (const [name, given] of givenFlags(sources, wanted)) {
    try {
      values[name] = FLAGS[name].parse(given.text);
    } catch (error) {
      if (!(error instanceof PipewrightError)) throw error;
      const isNamed = error.message.startsWith(given.source);
      const message = isNamed ? error.message : `${given.source}: ${error.message}`;
      throw new PipewrightError(error.code, message, { ...error.details, flag: name });
    }
  }
  return values as FlagValues;
}
