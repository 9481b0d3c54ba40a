/**
 * @file What a configuration file may hold for a flag, as JSON Schema. A file's value becomes the text after the flag,
 * which the flag's reader judges; these say beforehand to an editor what the reader will take.
 */

/** A part of a JSON Schema (draft 7). */
export type ValueForm = Readonly<Record<string, unknown>>;

const SCALAR = { type: ["string", "number", "boolean"] };

/** Any text: names, paths, specifications. */
export const TEXT: ValueForm = { type: "string" };

/** A switch. */
export const SWITCH: ValueForm = { enum: [true, false, "true", "false"] };

/** A number, or text with a number and a unit: 30s, 1%. */
export const NUMBER: ValueForm = { type: ["number", "string"] };

/** Text, or the parts that commas would join. */
export const LIST: ValueForm = { type: ["string", "number", "array"], items: SCALAR };

/** Text, or the parts, or a map for what is written NAME=VALUE. */
export const MAP: ValueForm = { type: ["string", "array", "object"], items: SCALAR, additionalProperties: SCALAR };

/** A whole number of at least `least`. */
export function wholeForm(least: 0 | 1): ValueForm {
  return { type: ["integer", "string"], minimum: least, pattern: least === 0 ? "^\\d+$" : "^0*[1-9]\\d*$" };
}

/** One of some names. */
export function choiceForm(names: readonly string[]): ValueForm {
  return { enum: names };
}
