/** @file The JSON Schema of configuration files, made from the flags, so that an editor knows what the reader takes. */
import { IGNORED_NAMES, SMP_KEY } from "./config-file.js";
import type { FlagName } from "./flags.js";
import { FLAGS, longName } from "./flags.js";
import { AUTO_FLAGS, DEEPSPEED_FLAGS, SMP_FIXED, SMP_FLAGS } from "./foreign-names.js";
import type { FixedName } from "./foreign-names.js";
import type { ValueForm } from "./value-form.js";

/** Where the package has it. */
export const SCHEMA_FILE = "schema/config.v1.json";

type Properties = Readonly<Record<string, ValueForm>>;

const FLAG_NAMES = Object.keys(FLAGS) as readonly FlagName[];

/** Draft 7: what editors read. A flag may be spelled stages-per-device, stagesPerDevice or stages_per_device. */
export function configSchema(): ValueForm {
  const foreign = { ...aliases(SMP_FLAGS, "SageMaker"), ...aliases(DEEPSPEED_FLAGS, "DeepSpeed"), ...fixed() };
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "pipewright configuration",
    description: "Flags of pipewright in a file; `pipewright config --config FILE --print` shows what counts.",
    type: "object",
    additionalProperties: false,
    properties: {
      ...Object.fromEntries(IGNORED_NAMES.map((name) => [name, {}])),
      ...foreign,
      ...Object.assign({}, ...FLAG_NAMES.map(spellings)),
      [SMP_KEY]: {
        description: "The parameters of SageMaker's model parallelism, as its SDK takes them.",
        type: "object",
        additionalProperties: false,
        properties: { ...aliases(SMP_FLAGS, "SageMaker"), ...fixed() },
      },
    },
    definitions: Object.fromEntries(FLAG_NAMES.map((name) => [name, definition(name)])),
  };
}

function definition(name: FlagName): ValueForm {
  const { help, value } = FLAGS[name];
  return { description: help, ...(AUTO_FLAGS.includes(name) ? { anyOf: [value, { const: "auto" }] } : value) };
}

function spellings(name: FlagName): Properties {
  const kebab = longName(name);
  const names = new Set([kebab, name, kebab.replaceAll("-", "_")]);
  return Object.fromEntries([...names].map((spelling) => [spelling, reference(name)]));
}

function aliases(names: Readonly<Record<string, FlagName>>, owner: string): Properties {
  const entry = ([alias, name]: [string, FlagName]): [string, ValueForm] =>
    alias === name
      ? [alias, reference(name)]
      : [alias, { description: `${owner}'s name of ${longName(name)}.`, allOf: [reference(name)] }];
  return Object.fromEntries(Object.entries(names).map(entry));
}

function reference(name: FlagName): ValueForm {
  return { $ref: `#/definitions/${name}` };
}

/** Names that are understood and change nothing. Those that are always refused are left out. */
function fixed(): Properties {
  const value = (text: string): unknown => (["true", "false", "1"].includes(text) ? JSON.parse(text) : text);
  const form = ({ accepts, reason }: FixedName): ValueForm => ({
    description: `Changes nothing: ${reason}.`,
    enum: accepts.flatMap((text) => (text.length === 3 ? [text.toUpperCase(), text] : [value(text)])),
  });
  return Object.fromEntries(
    Object.entries(SMP_FIXED).flatMap(([name, rule]) => (rule.accepts.length === 0 ? [] : [[name, form(rule)]])),
  );
}
