/** @file What the command line writes to: two streams, and what they can show. main.ts makes the real one. */
import { styleText } from "node:util";

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

/** How a text is painted. */
export type Paint = Parameters<typeof styleText>[0];

/** The text in a colour, or as it is when colours are off. */
export function paint(color: boolean, style: Paint, text: string): string {
  return color ? styleText(style, text) : text;
}
