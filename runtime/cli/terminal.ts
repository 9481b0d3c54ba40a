/** @file What the command line writes to: two streams, and what they can show. main.ts makes the real one. */

import { visible } from "../../compiler/names.js";

/** Where results and progress go. */
export interface Terminal {
  /** Results, to stdout. */
  readonly write: (text: string) => void;
  /** Progress and errors, to stderr. */
  readonly note: (text: string) => void;
  /** A person watches stderr, so that lines may be redrawn. */
  readonly isInteractive: boolean;
  /** Colours on stdout. */
  readonly color: boolean;
  /** Width of results; at least 40. */
  readonly columns: number;
}

/** SGR parameters of the ANSI escape code, ECMA-48 §8.3.117. */
const CODES = { dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
const ESCAPE = "\u001b";

/** What we write to terminals besides text: colours, and on stderr the way back to the start of a line. */
const OWN_CODES = new RegExp(`(${ESCAPE}\\[(?:0|${Object.values(CODES).join("|")})m)`);
const OWN_CODES_AND_RETURN = new RegExp(`${OWN_CODES.source.slice(0, -1)}|\\r)`);

/** The terminal, to which no name out of a file can send a control character. */
export function guarded(terminal: Terminal): Terminal {
  const shown = (text: string, own: RegExp): string =>
    text
      .split(own)
      .map((part, at) => (at % 2 === 1 ? part : visible(part)))
      .join("");
  return {
    ...terminal,
    write: (text) => terminal.write(shown(text, OWN_CODES)),
    note: (text) => terminal.note(shown(text, OWN_CODES_AND_RETURN)),
  };
}

/** How a text is painted. */
export type Paint = keyof typeof CODES;

/** The text in a colour, or as it is when colours are off. */
export function paint(color: boolean, style: Paint, text: string): string {
  return color ? `${ESCAPE}[${CODES[style]}m${text}${ESCAPE}[0m` : text;
}
