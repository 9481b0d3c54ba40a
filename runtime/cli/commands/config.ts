/** @file `config`: checks what file, environment and --set give, and prints every value with where it came from. */
import type { CommandBody } from "../command.js";
import { DEFAULTS } from "../defaults.js";
import type { FlagName } from "../flags.js";
import { longName } from "../flags.js";
import { renderTable } from "../render/table.js";

/** Ensures: every flag that was given has been read, so a wrong one is an error. */
export const config: CommandBody = async ({ given, wanted, columns }, _, flags) => {
  const shown = [...given].filter(([name]) => name !== "print");
  const entries = shown.map(([name, { text, source }]) => ({ flag: longName(name), value: text, source }));
  const names = shown.map(([name]) => name);
  const json = { flags: entries, defaults: defaultsBut(names, wanted), resolved: resolved(flags, names) };
  if (!flags.print) {
    return { json, text: `${entries.length === 1 ? "1 flag" : `${entries.length} flags`}, all can be read\n` };
  }
  const rows = [...entries, ...json.defaults].map(({ flag, value, source }) => [flag, value, source]);
  const text = renderTable([{ title: "flag" }, { title: "value", flexible: true }, { title: "from" }], rows, columns);
  return { json, text };
};

/** What counts for the flags that were not given. */
function defaultsBut(given: readonly FlagName[], wanted: readonly FlagName[]) {
  const defaults: { readonly [K in FlagName]?: string } = DEFAULTS;
  return wanted.flatMap((name) => {
    const value = defaults[name];
    return value === undefined || given.includes(name) ? [] : [{ flag: longName(name), value, source: "default" }];
  });
}

/** The values as commands get them; maps as lists of pairs. */
function resolved(flags: object, names: readonly FlagName[]): object {
  const plain = (value: unknown): unknown => (value instanceof Map ? [...value] : value);
  const values = flags as Readonly<Record<string, unknown>>;
  return Object.fromEntries(names.map((name) => [name, plain(values[name])]));
}
