/**
 * @file JSON of files that may come from anywhere. What JSON.parse lets pass in silence is refused: bytes that are no
 * UTF-8, a key that comes twice, of which it would take the last, and nesting that overflows the stack of what reads on.
 */
import { formatName } from "../names.js";

/** Arrays and objects inside each other; none of ours has more than ten. */
const MOST_DEPTH = 64;
/** Members and elements of all objects and arrays; each costs far more memory than its bytes. */
const MOST_VALUES = 8_000_000;

/** Why bytes are no JSON that we take; the message completes "it is …". */
export class JsonFault extends Error {}

/** The document. Keys such as `__proto__` are plain members of its objects. @throws JsonFault. */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new JsonFault(error instanceof TypeError ? "not UTF-8" : "too long for one text");
  }
  checkNesting(text);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new JsonFault(`not JSON (${(error as SyntaxError).message})`);
  }
}

/**
 * Looks at brackets and keys only, so that JSON.parse keeps its speed; text that is no JSON passes, for it to refuse.
 * @throws JsonFault with the line.
 */
function checkNesting(text: string): void {
  /** Of each open object the keys so far; of an array nothing. */
  const open: (Set<string> | undefined)[] = [];
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{" || character === "[") {
      open.push(character === "{" ? new Set() : undefined);
      if (open.length > MOST_DEPTH)
        throw new JsonFault(`nested deeper than ${MOST_DEPTH} levels in line ${lineOf(text, at)}`);
    } else if (character === "}" || character === "]") open.pop();
    else if (character === ",") {
      if (++values > MOST_VALUES)
        throw new JsonFault(`larger than ${MOST_VALUES} values, reached in line ${lineOf(text, at)}`);
    } else if (character === '"') {
      const start = at;
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at++;
      const keys = open.at(-1);
      if (!keys || !isKey(text, at + 1)) continue;
      const quoted = text.slice(start, at + 1);
      const key = quoted.includes("\\") ? unescaped(quoted) : quoted.slice(1, -1);
      if (keys.has(key))
        throw new JsonFault(`ambiguous: the key ${formatName(key)} comes twice, in line ${lineOf(text, start)}`);
      keys.add(key);
    }
  }
}

/** Is what ends at `at` followed by a colon? */
function isKey(text: string, at: number): boolean {
  let next = at;
  while (" \t\r\n".includes(text[next] ?? "x")) next++;
  return text[next] === ":";
}

function unescaped(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted;
  }
}

function lineOf(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}
