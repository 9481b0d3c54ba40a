/**
 * @file Names that do harm where they are shown: each is given to everything of a model that has a name, and the model
 * goes through every command that prints or writes. What comes out has no control character, no line, no element of a
 * page and no path that it has not with a plain name.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { literalOf } from "../../compiler/ir/literal.js";
import { loadAssets } from "../../runtime/report/page.js";
import { nodeEnv } from "../../runtime/env/node.js";
import { modelBytes } from "../support/proto-model.js";
import { pipewright } from "../support/shell.js";
import type { SimulatedEnv } from "../support/simulated-env.js";
import { simulatedEnv } from "../support/simulated-env.js";
import { assetFiles } from "../support/report-assets.js";

const NAMES: Readonly<Record<string, string>> = {
  "clears the screen": "\u001b[2J\u001b[1;1H",
  "sets the title": "\u001b]0;owned\u0007",
  "uses C1 controls": "\u009b31m\u0085",
  "turns the direction": "\u202etxt.exe\u2066\u2069",
  "adds lines": "a\r\nerror, all is well\n[1/3] done",
  "overwrites the line": "\rok                    ",
  "separates lines": "a\u2028b\u2029c\u0000d\u007f",
  "is an element of a page": "</script></title><script>alert(1)</script><img src=x onerror=alert(1)>",
  "ends an attribute": `" onmouseover="alert(1)" x='`,
  "is a formula": "=cmd|' /C calc'!A0",
  "is another formula": "@SUM(1+1)*cmd|' /C calc'!A0",
  "leads out of the folder": "../../../../etc/passwd",
  "is a device of Windows": "C:\\CON.",
  "is a key of every object": "__proto__",
  "is a method of every object": "constructor",
  "is a number": "10",
  "is long": "n".repeat(60_000),
};
const PLAIN = "plain";

/** All that no text for people may hold besides line feeds. */
const HARMFUL =
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

interface Printed {
  /** Text for people and JSON, by the command. */
  readonly texts: ReadonlyMap<string, string>;
  /** Pages, pictures and traces, by path. */
  readonly files: ReadonlyMap<string, string>;
  /** Names of all files that were written. */
  readonly paths: readonly string[];
  /** An error that names the name. */
  readonly error: string;
}

const matrix = (rows: number, columns: number) =>
  literalOf(
    "float32",
    [rows, columns],
    Array.from({ length: rows * columns }, (_, at) => at / 10),
  );

function modelNamed(name: string, input = `${name}x`): Uint8Array {
  const nodes = [
    { op: "MatMul", inputs: [input, `${name}w`], outputs: [`${name}h`], name: `${name}1` },
    { op: "Relu", inputs: [`${name}h`], outputs: [`${name}r`], name },
    { op: "MatMul", inputs: [`${name}r`, name], outputs: [`${name}y`], name: `${name}2` },
  ];
  const initializers = { [`${name}w`]: matrix(4, 4), ...Object.fromEntries([[name, matrix(4, 2)]]) };
  return modelBytes({ nodes, inputs: { [`${name}x`]: "float32[2,4]" }, outputs: [`${name}y`], initializers });
}

async function filesBelow({ disk }: SimulatedEnv, path: string): Promise<readonly string[]> {
  if ((await disk.entry(path))?.kind !== "directory") return [path];
  const names = [...(await disk.names(path))].sort();
  return (await Promise.all(names.map((name) => filesBelow({ disk } as SimulatedEnv, `${path}/${name}`)))).flat();
}

/** Everything that the commands print and write for a model of this name. */
async function printed(name: string): Promise<Printed> {
  const env = simulatedEnv();
  for (const path of ["/models", "/out"]) await env.files.makeDirectory(path);
  await assetFiles(env, await loadAssets(nodeEnv()));
  await env.files.writeAtomic("/models/m.onnx", modelNamed(name));
  await env.files.writeAtomic("/models/bad.onnx", modelNamed(name, `${name}missing`));
  const run = (...words: readonly string[]) => pipewright(words, { makeEnv: () => Promise.resolve(env) });
  const commands = [
    ["inspect", "/models/m.onnx"],
    ["inspect", "/models/m.onnx", "--json"],
    ["partition", "/models/m.onnx", "--devices", "2", "--analytic", "--link", "1000GB/s,1ns", "-o", "/out/plan"],
    ["report", "/out/plan", "-o", "/out/report.html"],
    ["simulate", "/out/plan", "-o", "/out/trace.json"],
    ["compare", "/out/plan", "/out/plan"],
    ["export", "/out/plan", "--target", "onnx", "-o", "/out/staged"],
  ];
  const texts = new Map<string, string>();
  for (const words of commands) {
    const { exitCode, stdout, stderr } = await run(...words);
    if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
    texts.set(words.join(" "), stdout + stderr);
  }
  const files = new Map<string, string>();
  for (const path of ["/out/report.html", "/out/trace.json", "/out/plan/schedule.csv", "/out/plan/search.json"])
    files.set(path, new TextDecoder().decode(await env.files.read(path)));
  const error = await run("inspect", "/models/bad.onnx");
  expect(error.exitCode).toBe(3);
  return { texts, files, paths: await filesBelow(env, "/out"), error: error.stderr };
}

/** Elements of a page with their attributes' names. */
const elements = (page: string): readonly string[] =>
  [...page.matchAll(/<(\/?[a-z!][\w-]*)((?:\s+[\w:-]+(?:="[^"]*")?)*)\s*\/?>/gi)].map(
    ([, element, attributes]) => `${element} ${attributes!.replace(/="[^"]*"/g, "").trim()}`,
  );

describe("a model whose names are all one that", () => {
  let plain: Printed;
  beforeAll(async () => {
    plain = await printed(PLAIN);
  }, 60_000);

  it.each(Object.entries(NAMES))("%s is shown as one plain name", { timeout: 60_000 }, async (_, name) => {
    const found = await printed(name);
    for (const [command, text] of found.texts) {
      expect(text, command).not.toMatch(HARMFUL);
      expect(text, command).not.toMatch(/^(error, all is well|\[1\/3\] done)/m);
    }
    expect(found.error).not.toMatch(HARMFUL);
    expect(found.error.split("\n")).toHaveLength(2);
    expect(found.error.length).toBeLessThan(20_000);
    for (const [path, text] of found.files) expect(text, path).not.toMatch(HARMFUL);
    expect(found.paths).toEqual(plain.paths);
    expect(elements(found.files.get("/out/report.html")!)).toEqual(elements(plain.files.get("/out/report.html")!));
    JSON.parse(found.files.get("/out/trace.json")!);
    const cells = found.files.get("/out/plan/schedule.csv")!.trimEnd().split(/[,\n]/);
    for (const cell of cells) expect(cell).toMatch(/^\d+[FBIW]\d+$/);
    expect(found.files.get("/out/plan/schedule.csv")).toBe(plain.files.get("/out/plan/schedule.csv"));
  });
});
