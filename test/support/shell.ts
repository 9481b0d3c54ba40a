/** @file Runs the command line inside the test process, with its output captured. */
import { COMMANDS } from "../../runtime/cli/commands/table.js";
import type { Shell } from "../../runtime/cli/program.js";
import { runProgram } from "../../runtime/cli/program.js";
import { nodeEnv } from "../../runtime/env/node.js";

/** What a run of the command line gave. */
export interface ShellRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `pipewright ...words` on 80 columns without colours. */
export async function pipewright(words: readonly string[], options: Partial<Shell> = {}): Promise<ShellRun> {
  let stdout = "";
  let stderr = "";
  const exitCode = await runProgram(words, COMMANDS, {
    terminal: {
      write: (text) => void (stdout += text),
      note: (text) => void (stderr += text),
      isInteractive: false,
      color: false,
      columns: 80,
    },
    version: "0.0.0-test",
    variables: {},
    makeEnv: async () => nodeEnv(),
    signal: new AbortController().signal,
    ...options,
  });
  return { exitCode, stdout, stderr };
}
