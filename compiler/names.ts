/**
 * @file Names out of files, made safe to show, and to hand to an engine. A name may hold anything: control characters that
 * move the cursor, marks that turn the reading direction, a megabyte of text. What is compared and stored is always the
 * name itself, but for stage graphs.
 */

/** Longest part of a name that is shown. */
const SHOWN_CHARACTERS = 200;
/** Longest message that is shown. */
const MESSAGE_CHARACTERS = 16_384;
/** C0 and C1 controls without line feed, marks of direction and of joining, line separators, lone surrogates. */
const HIDDEN =
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Surrogate}/gu;
const PLAIN = /^[\p{L}\p{N}_.:/@$#+*[\]()<>-]+$/u;

/** The text with every invisible character but line feeds written as an escape, as JSON would. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The text as one line: line feeds are escapes as well. */
export function oneLine(text: string): string {
  return visible(text).replaceAll("\n", "\\n");
}

/** Line feeds that messages have: in front of indented lines, and of the rows of a grid. */
const OWN_LINES = /\n(?! {2}|d\d+ )/g;

/**
 * A whole message: visible, and cut where nobody reads on. Its further lines are indented or rows of a grid; a line feed
 * anywhere else came with a name and is written as an escape.
 */
export function visibleMessage(text: string): string {
  const shown = visible(text).replace(OWN_LINES, "\\n");
  if (shown.length <= MESSAGE_CHARACTERS) return shown;
  return `${shown.slice(0, MESSAGE_CHARACTERS)}… (${shown.length} characters)`;
}

/** A name between quotes, escaped, and cut at 200 characters with its length behind it. */
export function formatName(name: string): string {
  if (name.length <= SHOWN_CHARACTERS) return visible(JSON.stringify(name));
  return `${visible(JSON.stringify(name.slice(0, SHOWN_CHARACTERS)))}… (${name.length} characters)`;
}

/** A name as it is where it reads as one word, else as `formatName` writes it. */
export function plainName(name: string): string {
  return name.length <= SHOWN_CHARACTERS && PLAIN.test(name) ? name : formatName(name);
}

const UNWRITABLE = /\0|\\(?=(?:u005c)*u0000)/g;
const WRITTEN = /\\u0000|\\u005c(?=(?:u005c)*u0000)/g;

/**
 * A name as a stage graph has it. Engines take names as C strings, which end at a NUL, so NULs are written as the six
 * characters \u0000; where a name has those six already, their backslash is written as \u005c.
 * Ensures: no NUL; different names stay different; `ownName` gives the name back.
 */
export function engineName(name: string): string {
  return name.replace(UNWRITABLE, (found) => (found === "\0" ? "\\u0000" : "\\u005c"));
}

/** The name behind one of a stage graph. */
export function ownName(written: string): string {
  return written.replace(WRITTEN, (found) => (found === "\\u0000" ? "\0" : "\\"));
}
