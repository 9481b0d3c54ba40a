/** @file What every command does alike: quiet, one JSON document, events as lines of JSON, tables that fit 80 columns. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMANDS } from "../../../runtime/cli/commands/table.js";
import { fillDocsFolder } from "../../support/docs-folder.js";
import { pipewright } from "../../support/shell.js";

const COLUMNS = 80;
const MODEL = ["model.onnx", "--bind", "batch=4", "--loss", "softmax-cross-entropy:logits=labels"];
const CUT = [...MODEL, "--devices", "2", "--schedule", "1f1b", "--analytic"];
/** Words of a run of each command. The demo takes too long for three runs more; the documentation runs it. */
const RUNS: Readonly<Record<string, readonly string[]>> = {
  inspect: MODEL,
  profile: [...MODEL, "--analytic", "-o", "costs.json"],
  partition: [...CUT, "-o", "other"],
  schedule: ["--devices", "4", "--microbatches", "8", "--schedule", "zb-h1"],
  simulate: ["plan"],
  verify: ["plan"],
  train: ["plan", "--data", "train.npz", "--steps", "2"],
  report: ["plan"],
  compare: ["plan", "plan"],
  export: ["plan", "--target", "onnx", "-o"],
  config: ["--config", "job.yaml", "--print"],
  completion: ["bash"],
  doctor: [],
};
const folder = mkdtempSync(join(tmpdir(), "pipewright-common-"));
const before = process.cwd();

beforeAll(async () => {
  process.chdir(folder);
  fillDocsFolder(folder);
  expect((await pipewright(["partition", ...CUT, "-o", "plan", "-q"])).exitCode).toBe(0);
});
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

it("is looked at for every command", () => {
  expect([...Object.keys(RUNS), "demo"].sort()).toEqual(COMMANDS.map(({ name }) => name).sort());
});

/** A run of the command, of "export" each time into a folder of its own. */
let count = 0;
function words(name: string): readonly string[] {
  return name === "export" ? [...RUNS[name]!, `staged${count++}`] : RUNS[name]!;
}

describe.each(Object.keys(RUNS))("%s", (name) => {
  it("prints one JSON document and nothing else with -q --json", async () => {
    const { exitCode, stdout, stderr } = await pipewright([name, ...words(name), "-q", "--json"]);
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout.endsWith("\n")).toBe(true);
    expect(JSON.parse(stdout)).toBeTypeOf("object");
  });

  it("tells events as lines of JSON, the exit code last", async () => {
    const { exitCode, stderr } = await pipewright([name, ...words(name), "--log-format", "ndjson"]);
    const events = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { event: string; exitCode?: number });
    expect(exitCode).toBe(0);
    expect(events.at(-1)).toMatchObject({ event: "exit", exitCode: 0 });
  });

  it("fits 80 columns, and has colours only where they are asked for", async () => {
    const plain = await pipewright([name, ...words(name), "-v"]);
    expect([plain.exitCode, plain.stdout.includes("\u001b")]).toEqual([0, false]);
    const long = plain.stdout.split("\n").filter((line) => [...line].length > COLUMNS);
    expect(name === "completion" ? [] : long).toEqual([]);
    expect(plain.stderr).not.toContain("\u001b");
  });
});
