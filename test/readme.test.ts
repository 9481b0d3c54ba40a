import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as compiler from "../compiler/index.js";
import { modelFile } from "../models/file.js";
import { buildMlp } from "../models/mlp.js";
import { COMMANDS } from "../runtime/cli/commands/table.js";
import { FLAGS } from "../runtime/cli/flags.js";
import * as runtime from "../runtime/index.js";
import { pipewright } from "./support/shell.js";
import { readRepositoryFile } from "./support/sources.js";

const readme = readRepositoryFile("README.md");

/** The first fenced block after a marker comment. */
function blockAfter(marker: RegExp): { readonly match: RegExpExecArray; readonly text: string } {
  const match = marker.exec(readme);
  const text = match && /```\w*\n([^]*?)```/.exec(readme.slice(match.index))?.[1];
  if (!match || !text) throw new Error(`README.md has no block after ${marker}`);
  return { match, text };
}

describe("README.md", () => {
  let folder: string;
  const before = process.cwd();
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pipewright-readme-"));
    process.chdir(folder);
  });
  afterEach(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  });

  it("shows an example that runs as it stands", async () => {
    writeFileSync("model.onnx", modelFile(buildMlp({ batch: 4, inputs: 2, widths: [8, 8], classes: 2 })));
    const rows = Array.from({ length: 16 }, (_, row) => [row % 2, (row >> 1) % 2, row % 2].join(","));
    writeFileSync("train.csv", ["x.0,x.1,labels", ...rows].join("\n"));
    const lines: string[] = [];
    const { text } = blockAfter(/<!-- example -->/);
    const names = [...text.matchAll(/^import \{ (.*) \} from "pipewright(\/runtime)?";$/gm)].map(
      ([, list, sub]) => [list!.split(", "), (sub ? runtime : compiler) as Readonly<Record<string, unknown>>] as const,
    );
    const scope = new Map(names.flatMap(([list, from]) => list.map((name) => [name, from[name]] as const)));
    expect([...scope.values()].every((value) => value !== undefined)).toBe(true);
    const body = text.replace(/^import .*$/gm, "");
    const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as FunctionConstructor;
    const run = new AsyncFunction(...scope.keys(), "console", body) as (...values: unknown[]) => Promise<void>;
    await run(...scope.values(), { log: (line: string) => lines.push(line) });
    const losses = lines.map((line) => Number(/^step \d+: loss ([\d.]+), [\d.]+ ms$/.exec(line)![1]));
    expect(losses.length).toBe(20);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
  });

  it("shows what the command beside the picture prints", async () => {
    const { match, text } = blockAfter(/<!-- picture: (.*) -->/);
    const { stdout } = await pipewright(match[1]!.split(" "));
    expect(text).toBe(stdout);
  });

  it("names commands and flags that exist", () => {
    const calls = [...readme.matchAll(/^npx pipewright (\w+)(.*)$/gm)];
    expect(calls.length).toBeGreaterThan(4);
    for (const [, name, rest] of calls) {
      const command = COMMANDS.find((known) => known.name === name)!;
      const forms = command.flags.map((flag) => FLAGS[flag].form).join(" ");
      for (const flag of rest!.match(/ --?[a-z-]+/g) ?? []) expect(forms).toContain(flag.trim());
    }
  });

  it("points to files that exist", () => {
    const paths = [...readme.matchAll(/`((?:compiler|runtime)\/[\w/.-]+\.ts)`/g)].map(([, path]) => path!);
    expect(paths.length).toBeGreaterThan(6);
    for (const path of paths) expect(readRepositoryFile(path)).toContain("@file");
  });
});
