/**
 * @file Names that do harm where they are shown: each is given to everything of a model that has a name, and the model
 * goes through every command that prints or writes. What comes out has no control character, no line, no element of a
 * page and no path that it has not with a plain name.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { literalOf } from "../../compiler/ir/literal.js";
import { decodeModel, encodeModel } from "../../compiler/onnx/codec.js";
import { writeSafetensors } from "../../compiler/plan/safetensors.js";
import { loadAssets } from "../../runtime/report/page.js";
import { nodeEnv } from "../../runtime/env/node.js";
import { torchScripts } from "../support/torch-scripts.js";
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
  "is the prototype of every object": "toString",
  "adds an indented line": "a\n  all is well (Relu)\nd0 0F0",
  "is a mark of order": "\ufeffa\u200b\u00ad",
  "ends a comment": "--> */ ]]>",
  "is markup of a terminal": "\u001bP+q\u001b\\\u001b]8;;http://x\u001b\\",
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
  /** Errors that name the name, by the command. */
  readonly errors: ReadonlyMap<string, string>;
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

function oneNode(node: Parameters<typeof modelBytes>[0]["nodes"][number], name: string): Uint8Array {
  return modelBytes({ nodes: [node], inputs: { [`${name}x`]: "float32[2,4]" }, outputs: ["y"] });
}

/** The model with a first dim of this name. */
function withSymbol(bytes: Uint8Array, dim_param: string): Uint8Array {
  const model = decodeModel(bytes);
  const [input] = model.graph!.input!;
  const tensor_type = { elem_type: 1, shape: { dim: [{ dim_param }, { dim_value: 4 }] } };
  return encodeModel({ ...model, graph: { ...model.graph!, input: [{ ...input!, type: { tensor_type } }] } });
}

const PARTITION = ["partition", "--devices", "2", "--analytic", "--link", "1000GB/s,1ns"];

async function filesBelow({ disk }: SimulatedEnv, path: string): Promise<readonly string[]> {
  if ((await disk.entry(path))?.kind !== "directory") return [path];
  const names = [...(await disk.names(path))].sort();
  return (await Promise.all(names.map((name) => filesBelow({ disk } as SimulatedEnv, `${path}/${name}`)))).flat();
}

/** The name as one of a file, as far as it can be. */
const fileName = (name: string): string => name.replaceAll(/[/\0\r\n]/g, "_").slice(0, 100);

/** Everything that the commands print and write for a model of this name. */
async function printed(name: string): Promise<Printed> {
  const env = simulatedEnv();
  const model = `/models/${fileName(name)}.onnx`;
  const table = `/out/${fileName(name)}.csv`;
  for (const path of ["/models", "/out"]) await env.files.makeDirectory(path);
  await assetFiles(env, await loadAssets(nodeEnv()));
  await torchScripts(env.files);
  await env.files.writeAtomic(model, modelNamed(name));
  await env.files.writeAtomic("/models/bad.onnx", modelNamed(name, `${name}missing`));
  await env.files.writeAtomic(
    "/models/unknown.onnx",
    oneNode({ op: `Own${name}`, inputs: [`${name}x`], outputs: ["y"], name }, name),
  );
  await env.files.writeAtomic(
    "/models/symbols.onnx",
    withSymbol(oneNode({ op: "Relu", inputs: [`${name}x`], outputs: ["y"], name }, name), name),
  );
  const weights = new Map([[name, { dtype: "float32" as const, shape: [2], bytes: new Uint8Array(8) }]]);
  await env.files.writeAtomic("/models/d.safetensors", writeSafetensors(weights));
  await env.files.writeAtomic(table, "0F0,0B0\n1F0,1B0\n");
  const run = (...words: readonly string[]) => pipewright(words, { makeEnv: () => Promise.resolve(env) });
  const commands = [
    ["inspect", model],
    ["inspect", model, "--json"],
    ["partition", model, "--devices", "2", "--analytic", "--link", "1000GB/s,1ns", "-o", "/out/plan"],
    ["report", "/out/plan", "-o", "/out/report.html"],
    ["simulate", "/out/plan", "-o", "/out/trace.json"],
    ["compare", "/out/plan", "/out/plan"],
    ["export", "/out/plan", "--target", "onnx", "-o", "/out/staged"],
    ["export", "/out/plan", "--target", "torch", "-o", "/out/torch"],
    ["inspect", model, "--loss", "mse", "--log-format", "ndjson"],
    ["profile", model, "--loss", "mse", "--analytic", "-o", "/out/profile.json", "-v"],
    [...PARTITION, model, "--profile", "/out/profile.json", "--log-format", "ndjson", "-v", "-o", "/out/again"],
    ["schedule", "--check", table],
    ["schedule", "--devices", "2", "--svg", "/out/s.svg", "--trace", "/out/s.json"],
    ["schedule", "--check", table, "--json"],
  ];
  const texts = new Map<string, string>();
  for (const words of commands) {
    const { exitCode, stdout, stderr } = await run(...words);
    if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
    texts.set(words.join(" "), stdout + stderr);
  }
  const refused: readonly (readonly [code: number, ...words: readonly string[]])[] = [
    [3, "inspect", "/models/bad.onnx"],
    [2, ...PARTITION, model, "--pin", "none=0"],
    [2, ...PARTITION, model, "--uncut", "none"],
    [2, ...PARTITION, model, "--trainable", "none"],
    [2, ...PARTITION, model, "--loss", "mse:none=target"],
    [2, "inspect", model, "--bind", "none=4"],
    [2, "inspect", "/models/symbols.onnx", "--bind", "none=4"],
    [2, "inspect", model, "--input-shape", "none=4"],
    [4, ...PARTITION, "/models/unknown.onnx"],
    [8, "verify", "/out/plan", "--data", "/models/d.safetensors"],
    [7, "schedule", "--check", `/models/${fileName(name)}.onnx`],
    [6, "inspect", `/models/none-${fileName(name)}.onnx`],
  ];
  const errors = new Map<string, string>();
  for (const [code, ...words] of refused) {
    const { exitCode, stderr } = await run(...words, "-q");
    expect(exitCode, `${words.join(" ")}: ${stderr}`).toBe(code);
    errors.set(words.join(" "), stderr);
    const json = await run(...words, "--json", "-q");
    JSON.parse(json.stdout);
    texts.set(`${words.join(" ")} --json`, json.stdout);
  }
  const files = new Map<string, string>();
  for (const path of [
    "/out/report.html",
    "/out/trace.json",
    "/out/plan/schedule.csv",
    "/out/plan/search.json",
    "/out/s.svg",
    "/out/s.json",
  ])
    files.set(path, new TextDecoder().decode(await env.files.read(path)));
  const paths = (await filesBelow(env, "/out")).filter((path) => path !== table);
  return { texts, files, paths, errors };
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
  });

  it.each(Object.entries(NAMES))("%s is shown as one plain name", async (_, name) => {
    const found = await printed(name);
    for (const [command, text] of found.texts) {
      expect(text, command).not.toMatch(HARMFUL);
      expect(text, command).not.toMatch(/^(error, all is well|\[1\/3\] done)/m);
    }
    for (const [command, error] of found.errors) {
      expect(error, command).not.toMatch(HARMFUL);
      expect(error.match(/^error: /gm), command).toHaveLength(1);
      expect(
        error.split("\n").filter((line) => !line.startsWith("  ")),
        command,
      ).toHaveLength(2);
      expect(error.length, command).toBeLessThan(20_000);
    }
    for (const [path, text] of found.files) expect(text, path).not.toMatch(HARMFUL);
    expect(found.paths).toEqual(plain.paths);
    expect(elements(found.files.get("/out/report.html")!)).toEqual(elements(plain.files.get("/out/report.html")!));
    for (const trace of ["/out/trace.json", "/out/s.json"]) JSON.parse(found.files.get(trace)!);
    expect(elements(found.files.get("/out/s.svg")!)).toEqual(elements(plain.files.get("/out/s.svg")!));
    const cells = found.files.get("/out/plan/schedule.csv")!.trimEnd().split(/[,\n]/);
    for (const cell of cells) expect(cell).toMatch(/^\d+[FBIW]\d+$/);
    expect(found.files.get("/out/plan/schedule.csv")).toBe(plain.files.get("/out/plan/schedule.csv"));
  });
});
