/**
 * @file Every command of the documentation runs as it stands, in a folder that holds what the page says it does; every
 * link leads somewhere; what is generated is up to date. Python blocks run where Python has torch and onnx.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, normalize } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { PAGES } from "../scripts/docs/pages.js";
import { commandReference, configurationReference } from "../scripts/docs/reference.js";
import { commandsOf, fencedBlocks, wordsOf } from "./support/fenced-blocks.js";
import { fillDocsFolder } from "./support/docs-folder.js";
import { pipewright } from "./support/shell.js";
import { readRepositoryFile } from "./support/sources.js";
import { PYTHON, sayMissing, torchVersion } from "./support/torch.js";

const { missing } = torchVersion("onnx", "onnxscript");
const hasTorch = missing === undefined;
sayMissing(missing, "the Python blocks of the documentation");

/** Languages of blocks that are run, and of those that only show something. */
const RUN = ["sh"];
const SHOWN = ["", "text", "json", "yaml", "js", "python", "console"];
/** Exit codes of demos that took place already: each takes seconds. */
const demos = new Map<string, number>();

const root = mkdtempSync(join(tmpdir(), "pipewright-docs-"));
const before = process.cwd();
afterAll(() => {
  process.chdir(before);
  rmSync(root, { recursive: true });
});

/** Runs one command in the current folder and gives its exit code and output. */
async function run(command: string): Promise<{ readonly exitCode: number; readonly output: string }> {
  const [program, ...words] = wordsOf(command.replace(/^npx /, ""));
  if (program !== "pipewright") throw new Error(`no command of ours: ${command}; mark the block as console`);
  const demo = words[0] === "demo" ? words.join(" ") : undefined;
  if (demo !== undefined && demos.has(demo)) return { exitCode: demos.get(demo)!, output: "" };
  const { exitCode, stdout, stderr } = await pipewright(words);
  if (demo !== undefined) demos.set(demo, exitCode);
  return { exitCode, output: stdout + stderr };
}

describe.each(PAGES)("%s", (path) => {
  const page = readRepositoryFile(path);
  const blocks = fencedBlocks(page);

  it("has blocks that say what they are", () => {
    expect(blocks.filter(({ language }) => ![...RUN, ...SHOWN].includes(language)).map(({ line }) => line)).toEqual([]);
    const looks = blocks.filter(({ language, text }) => language !== "sh" && /^(npx )?pipewright /m.test(text));
    expect(looks.filter(({ language }) => language !== "text").map(({ line }) => line)).toEqual([]);
  });

  it.runIf(blocks.some(({ language }) => RUN.includes(language)))(
    "has commands that run",
    { timeout: 300_000 },
    async () => {
      const folder = mkdtempSync(join(root, "page-"));
      fillDocsFolder(folder);
      process.chdir(folder);
      for (const block of blocks) {
        const file = /^file: (\S+)$/.exec(block.note)?.[1];
        if (file !== undefined) writeFileSync(file, block.text);
        if (block.language === "python" && hasTorch && file !== undefined)
          execFileSync(PYTHON, [file], { stdio: "pipe" });
        if (!RUN.includes(block.language)) continue;
        const wanted = Number(/^exit code: (\d+)$/.exec(block.note)?.[1] ?? 0);
        for (const command of commandsOf(block)) {
          const { exitCode, output } = await run(command);
          expect(exitCode, `${path}:${block.line}: ${command}\n${output}`).toBe(wanted);
        }
      }
    },
  );

  it("has links that lead somewhere", () => {
    const links = [...page.matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, to]) => normalize(join(dirname(path), to!)));
    expect(links.filter((to) => !existsSync(join(before, to)))).toEqual([]);
  });
});

describe("generated pages (npm run make:docs)", () => {
  it("have every command with its flags", async () => {
    expect(readRepositoryFile("docs/reference/commands.md")).toBe(await commandReference());
  });
  it("have every name of a configuration file", () => {
    expect(readRepositoryFile("docs/reference/configuration.md")).toBe(configurationReference());
  });
});

describe("docs/reference/events.md", () => {
  it("lists every event and no other", () => {
    const sources = ["runtime/cli/event-progress.ts", "runtime/cli/program.ts"].map(readRepositoryFile).join("\n");
    const written = [...sources.matchAll(/\.event\("(\w+)"/g)].map(([, name]) => name);
    const listed = [...readRepositoryFile("docs/reference/events.md").matchAll(/^\| `(\w+)`/gm)].map(
      ([, name]) => name,
    );
    expect(listed.toSorted()).toEqual([...new Set(written)].toSorted());
  });
});
