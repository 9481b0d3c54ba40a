/** @file Runs a page of the documentation: every command as it stands, in a folder that holds what the page says it does. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { fillDocsFolder } from "./docs-folder.js";
import { commandsOf, fencedBlocks, wordsOf } from "./fenced-blocks.js";
import { pipewright } from "./shell.js";
import { readRepositoryFile } from "./sources.js";
import { PYTHON } from "./torch.js";

/** Language of blocks that are run. */
export const RUN = "sh";

export interface PageRun {
  /** Whether Python blocks that are files run too. */
  readonly hasTorch: boolean;
  /** Demos that need not run again, each takes seconds: words after "pipewright". */
  readonly known: Set<string>;
}

/** Runs the blocks of a page from top to bottom, each command with the exit code that the page says. */
export async function runPage(path: string, { hasTorch, known }: PageRun): Promise<void> {
  const before = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), "pipewright-docs-"));
  fillDocsFolder(folder);
  process.chdir(folder);
  try {
    for (const block of fencedBlocks(readRepositoryFile(path))) {
      const file = /^file: (\S+)$/.exec(block.note)?.[1];
      if (file !== undefined) writeFileSync(file, block.text);
      if (block.language === "python" && hasTorch && file !== undefined)
        execFileSync(PYTHON, [file], { stdio: "pipe" });
      if (block.language !== RUN) continue;
      const wanted = Number(/^exit code: (\d+)$/.exec(block.note)?.[1] ?? 0);
      for (const command of commandsOf(block)) {
        const { exitCode, output } = await run(command, known);
        expect(exitCode, `${path}:${block.line}: ${command}\n${output}`).toBe(wanted);
      }
    }
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  }
}

/** Runs one command in the current folder and gives its exit code and output. */
async function run(
  command: string,
  known: Set<string>,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const [program, ...words] = wordsOf(command.replace(/^npx /, ""));
  if (program !== "pipewright") throw new Error(`no command of ours: ${command}; mark the block as console`);
  if (known.has(words.join(" "))) return { exitCode: 0, output: "" };
  const { exitCode, stdout, stderr } = await pipewright(words);
  if (words[0] === "demo" && exitCode === 0) known.add(words.join(" "));
  return { exitCode, output: stdout + stderr };
}
