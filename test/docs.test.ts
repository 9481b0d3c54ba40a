/**
 * @file Every command of the documentation runs as it stands, in a folder that holds what the page says it does; every
 * link leads somewhere; what is generated is up to date. Python blocks run where Python has torch and onnx.
 */
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { PAGES } from "../scripts/docs/pages.js";
import { commandReference, configurationReference } from "../scripts/docs/reference.js";
import { RUN, runPage } from "./support/docs-page.js";
import { fencedBlocks } from "./support/fenced-blocks.js";
import { readRepositoryFile } from "./support/sources.js";
import { sayMissing, torchVersion } from "./support/torch.js";

const { missing } = torchVersion("onnx", "onnxscript");
const hasTorch = missing === undefined;
sayMissing(missing, "the Python blocks of the documentation");

/** Languages of blocks that only show something. */
const SHOWN = ["", "text", "json", "yaml", "js", "python", "console"];
/** Its commands run in a file of their own, beside this one. */
const COMMANDS_PAGE = "docs/reference/commands.md";
const known = new Set<string>();
const root = process.cwd();

describe.each(PAGES)("%s", (path) => {
  const page = readRepositoryFile(path);
  const blocks = fencedBlocks(page);

  it("has blocks that say what they are", () => {
    expect(blocks.filter(({ language }) => ![RUN, ...SHOWN].includes(language)).map(({ line }) => line)).toEqual([]);
    const looks = blocks.filter(({ language, text }) => language !== "sh" && /^(npx )?pipewright /m.test(text));
    expect(looks.filter(({ language }) => language !== "text").map(({ line }) => line)).toEqual([]);
  });

  it.runIf(path !== COMMANDS_PAGE && blocks.some(({ language }) => language === RUN))(
    "has commands that run",
    { timeout: 600_000 },
    () => runPage(path, { hasTorch, known }),
  );

  it("has links that lead somewhere", () => {
    const links = [...page.matchAll(/\]\((?!https?:)([^)#\s]+)/g)].map(([, to]) => normalize(join(dirname(path), to!)));
    expect(links.filter((to) => !existsSync(join(root, to)))).toEqual([]);
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
