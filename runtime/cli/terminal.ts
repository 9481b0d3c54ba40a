/** @file What the command line writes to: two streams, and what they can show. main.ts makes the real one. */

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

/** How a text is painted. */
export type Paint = keyof typeof CODES;

/** The text in a colour, or as it is when colours are off. */
export function paint(color: boolean, style: Paint, text: string): string {
  return color ? `${ESCAPE}[${CODES[style]}m${text}${ESCAPE}[0m` : text;
}
