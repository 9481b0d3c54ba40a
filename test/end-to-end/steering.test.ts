/** @file What the user decides about the cut, from the command line to the plan, and how contradictions are named. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelFile } from "../../models/file.js";
import { buildMlp, MLP_LOSS } from "../../models/mlp.js";
import { pipewright } from "../support/shell.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-steering-"));
const model = join(folder, "model.onnx");
const graph = buildMlp({ batch: 64, inputs: 256, widths: [256, 256, 256], classes: 16 });
beforeAll(() => writeFileSync(model, modelFile(graph)));
afterAll(() => rmSync(folder, { recursive: true }));

async function plan(words: readonly string[]) {
  const out = join(folder, "plan");
  rmSync(out, { recursive: true, force: true });
  const fixed = ["--devices", "2", "--schedule", "1f1b", "--analytic"];
  const given = ["partition", model, "--loss", MLP_LOSS, ...fixed, "-o", out, ...words];
  const { exitCode, stderr } = await pipewright(given);
  const stageOf = new Map<string, number>();
  if (exitCode === 0) {
    const { blocks } = JSON.parse(readFileSync(join(out, "blocks.json"), "utf8")) as BlocksFile;
    for (const { stage, nodes } of blocks) for (const name of nodes) stageOf.set(name, stage);
  }
  return { exitCode, stderr, stageOf };
}

interface StagesFile {
  readonly stages: readonly { readonly sendBytes: number }[];
}

interface BlocksFile {
  readonly blocks: readonly { readonly stage: number; readonly nodes: readonly string[] }[];
}

describe("steering", () => {
  it("pins nodes to a stage, by name or pattern", async () => {
    for (const stage of [0, 1]) {
      const { stageOf } = await plan(["--pin", `*_4=${stage}`]);
      expect(stageOf.get("Add_4")).toBe(stage);
    }
    const { stageOf } = await plan(["--pin", "Relu_8=0"]);
    expect([...stageOf].filter(([, stage]) => stage === 1).map(([name]) => name)).toContain("head");
    for (const name of ["MatMul_0", "Relu_5", "Relu_8"]) expect(stageOf.get(name)).toBe(0);
  });

  it("keeps nodes together, and what lies between them", async () => {
    const { stageOf } = await plan(["--together", "MatMul_0,Relu_5"]);
    expect(["MatMul_0", "Add_1", "Add_4", "Relu_5"].map((name) => stageOf.get(name))).toEqual(
      new Array(4).fill(stageOf.get("Add_1")),
    );
  });

  it("does not cut a tensor that is forbidden", async () => {
    const cut = (stageOf: ReadonlyMap<string, number>) =>
      ["MatMul_0", "Add_1", "Relu_2", "MatMul_3", "Add_4", "Relu_5", "MatMul_6", "Add_7", "Relu_8", "head"].findIndex(
        (name, at, all) => stageOf.get(name) !== stageOf.get(all[at + 1]!),
      );
    const makers = graph.graph.nodes.map(({ outputs }) => outputs[0]!.name);
    const before = cut((await plan([])).stageOf);
    const after = cut((await plan(["--uncut", makers[before]!])).stageOf);
    expect(after).not.toBe(before);
    expect(after).toBeGreaterThanOrEqual(0);
  });

  it("caps microbatches in flight", async () => {
    const many = ["--microbatches", "8", "--max-in-flight", "2", "--schedule"];
    expect((await plan([...many, "windowed-1f1b", "--window", "2"])).exitCode).toBe(0);
    const { exitCode, stderr } = await plan([...many, "gpipe"]);
    expect(exitCode).toBe(7);
    expect(stderr).toMatch(/schedule gpipe: stage 0 keeps 8 microbatches in flight; got a cap of 2/);
  });

  it("cuts between log-probabilities and what is picked of them: few numbers come back, and give the same bits", async () => {
    await plan(["--pin", "loss/LogSoftmax*=0,loss/Reshape*=1,loss/GatherElements*=1"]);
    const { stages } = JSON.parse(readFileSync(join(folder, "plan", "plan.json"), "utf8")) as StagesFile;
    expect(stages[1]!.sendBytes).toBe(64 * (Float32Array.BYTES_PER_ELEMENT + BigInt64Array.BYTES_PER_ELEMENT));
    expect((await pipewright(["verify", join(folder, "plan")])).exitCode).toBe(0);
  });

  it("is read from a file as well", async () => {
    const config = join(folder, "steering.yaml");
    writeFileSync(config, "pin: {MatMul_0: 1}\nmethod: smp\noptimize: speed\n");
    const { exitCode, stderr } = await plan(["--config", config]);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 7,
      stderr: expect.stringMatching(/the cut of smp is no valid plan here; block \d+ is on stage 0, pinned to 1/),
    });
    writeFileSync(config, "pin: {Add_4: 1}\ntogether: [Relu_5, head]\nuncut: [logits]\n");
    expect((await plan(["--config", config])).stageOf.get("Add_4")).toBe(1);
  });

  it.each([
    [
      ["--pin", "Relu_5=0,MatMul_0=1"],
      7,
      /"MatMul_0" is pinned to stage 1 and comes before .* "Relu_5" is pinned to stage 0/,
    ],
    [
      ["--pin", "Add_4=0,*_4=1"],
      7,
      /"Add_4" is pinned to stage 0 and "Add_4" is pinned to stage 1, but they must share/,
    ],
    [
      ["--pin", "MatMul_0=0,head=1", "--together", "*"],
      7,
      /"MatMul_0" is pinned to stage 0 and "head" is pinned to stage 1/,
    ],
    [["--pin", "head=4"], 7, /"head" is pinned to stage 4; there are stages 0 to 1/],
    [["--pin", "MatMul_9=1"], 2, /--pin MatMul_9: matches no node; .* Did you mean MatMul_0\?/],
    [["--pin", "head"], 2, /--pin: cannot read "head"; expected NODES=STAGE/],
    [["--together", "*"], 7, /got 1 groups of blocks, expected one for each of 2 stages/],
    [["--uncut", "nothing"], 2, /--uncut nothing: matches no tensor/],
    [["--memory-weight", "0.5"], 2, /--optimize and --memory-weight: they are for --method smp/],
    [["--method", "smp", "--memory-weight", "2"], 2, /--memory-weight: cannot read "2"; expected a number from 0 to 1/],
    [["--method", "best"], 2, /--method: cannot read "best"; expected one of auto, slicing/],
  ])("names the conflict of %j", async (words, code, message) => {
    const { exitCode, stderr } = await plan(words);
    expect(stderr.replace(/\s+/g, " ")).toMatch(message);
    expect(exitCode).toBe(code);
  });
});

describe("other tools' cuts", () => {
  it.each(["smp", "pipedream", "torchgpipe"])("%s gives a plan with a certificate", async (method) => {
    const out = join(folder, "other");
    const words = [
      "partition",
      model,
      "--loss",
      MLP_LOSS,
      "--devices",
      "3",
      "--analytic",
      "--method",
      method,
      "-o",
      out,
    ];
    const { exitCode, stdout } = await pipewright([...words, "--json"]);
    expect(exitCode).toBe(0);
    const { partition } = JSON.parse(stdout) as { partition: Record<string, unknown> };
    expect(partition["solver"]).toBe(method);
    expect(partition["boundMs"]).toBeLessThanOrEqual(partition["bottleneckMs"] as number);
  });
});
