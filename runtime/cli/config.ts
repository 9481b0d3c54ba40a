/**
 * @file Flags from the environment and from `--set`, and the order of all sources. All give text that the flag's own
 * reader reads, so there is one meaning and one error for each flag. Later sources win: file (config-file.ts),
 * environment, --set, the flag itself.
 */
import { closest } from "../../compiler/closest.js";
import { PipewrightError } from "../../compiler/errors.js";
import type { FlagName, FlagValues } from "./flags.js";
import { FLAGS, longName } from "./flags.js";
import { byPlainName, DEEPSPEED_FLAGS, plainName, SMP_FLAGS } from "./foreign-names.js";

/** A flag's text and where it was given, for messages. */
export interface GivenFlag {
  readonly text: string;
  readonly source: string;
}

export type GivenFlags = ReadonlyMap<FlagName, GivenFlag>;

const BY_PLAIN_NAME: ReadonlyMap<string, FlagName> = new Map([
  ...byPlainName({ ...SMP_FLAGS, ...DEEPSPEED_FLAGS }),
  ...(Object.keys(FLAGS) as FlagName[]).map((name) => [plainName(name), name] as const),
]);

/** The flag of this name in any spelling. @throws USAGE with the nearest name. */
export function flagNamed(name: string, source: string): FlagName {
  const found = BY_PLAIN_NAME.get(plainName(name));
  if (found) return found;
  const near = closest(plainName(name), BY_PLAIN_NAME.keys());
  const hint = near === undefined ? "" : ` Did you mean ${longName(BY_PLAIN_NAME.get(near)!)}?`;
  throw new PipewrightError("USAGE", `${source}: there is no flag "${name}".${hint} \`pipewright --help\` lists all.`);
}

/** The environment. */
export type Variables = Readonly<Record<string, string | undefined>>;

const PREFIX = "PIPEWRIGHT_";

function variableOf(name: FlagName): string {
  return PREFIX + longName(name).toUpperCase().replaceAll("-", "_");
}

/** What to say of variables that are nearly a flag's: they say nothing, and nobody would notice. */
export function strayVariables(variables: Variables): readonly string[] {
  const known = (Object.keys(FLAGS) as FlagName[]).map(variableOf);
  return Object.keys(variables)
    .filter((name) => name.startsWith(PREFIX) && !known.includes(name))
    .flatMap((name) => {
      const near = closest(
        name.slice(PREFIX.length),
        known.map((one) => one.slice(PREFIX.length)),
      );
      return near === undefined ? [] : [`${name} is no flag and says nothing. Did you mean ${PREFIX}${near}?`];
    });
}

/** Flags of variables such as PIPEWRIGHT_STAGES_PER_DEVICE. */
export function environmentFlags(variables: Variables): GivenFlags {
  const given = new Map<FlagName, GivenFlag>();
  for (const name of Object.keys(FLAGS) as FlagName[]) {
    const source = variableOf(name);
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
