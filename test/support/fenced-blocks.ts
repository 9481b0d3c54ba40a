/** @file The fenced blocks of a Markdown page, with the comment that stands before a block. */

/** One block. `note` is the text of an HTML comment right before it: "file: job.yaml". */
export interface FencedBlock {
  readonly language: string;
  readonly text: string;
  readonly note: string;
  /** Line of its fence, from 1. */
  readonly line: number;
}

/** In the order of the page. */
export function fencedBlocks(page: string): readonly FencedBlock[] {
  const blocks: FencedBlock[] = [];
  const pattern = /(?:<!-- (.*?) -->\n\n?)?^ *```(\S*)\n([^]*?)^ *```$/gm;
  for (const match of page.matchAll(pattern)) {
    const line = page.slice(0, match.index).split("\n").length;
    blocks.push({ note: match[1] ?? "", language: match[2]!, text: match[3]!, line });
  }
  return blocks;
}

/** The commands of a block: lines joined at backslashes, without comments and empty ones. */
export function commandsOf({ text }: FencedBlock): readonly string[] {
  return text
    .replace(/\\\n\s*/g, "")
    .split("\n")
    .map((line) => line.replace(/(^|\s)#.*$/, "").trim())
    .filter((line) => line !== "");
}

/** Words of a command, with quotes taken off as a shell does. */
export function wordsOf(command: string): readonly string[] {
  return [...command.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) => word.replace(/['"]/g, ""));
}
