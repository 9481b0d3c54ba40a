/** @file Runs of the command line that are interrupted, resumed, and refused. */
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelFile } from "../../models/file.js";
import { buildMlp, MLP_LOSS } from "../../models/mlp.js";
import { pipewright } from "../support/shell.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-lasting-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const TRAIN = ["train", at("plan"), "--data", "synthetic", "--no-shuffle"];

beforeAll(async () => {
  writeFileSync(at("mlp.onnx"), modelFile(buildMlp({ batch: 2, inputs: 3, widths: [4, 4], classes: 2 })));
  const plan = ["partition", at("mlp.onnx"), "--loss", MLP_LOSS, "--analytic", "-d", "1", "-m", "2", "-o", at("plan")];
  const { exitCode, stderr } = await pipewright(plan);
  if (exitCode !== 0) throw new Error(stderr);
});

describe("an interrupted run", () => {
  it("ends after a checkpoint, says how to go on, and goes on with the same bits", async () => {
    const interrupt = new AbortController();
    const terminal = {
      write: () => {},
      note: (text: string) => void (/saved: /.test(text) && interrupt.abort("SIGINT")),
      isInteractive: false,
      color: false,
      columns: 80,
    };
    const kept = ["--checkpoint-every", "2", "--checkpoint-dir", at("kept")];
    const { exitCode } = await pipewright([...TRAIN, ...kept, "--steps", "100000"], {
      signal: interrupt.signal,
      terminal,
    });
    expect(exitCode).toBe(130);

    const again = await pipewright([...TRAIN, ...kept, "--steps", "100000"]);
    expect(again).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/earlier run.*--resume auto/) as string });

    const aborted = new AbortController();
    aborted.abort("SIGTERM");
    const none = await pipewright([...TRAIN, ...kept, "--resume", "auto", "--steps", "100000", "--json"], {
      signal: aborted.signal,
    });
    expect(none.exitCode).toBe(143);
    const { resumedSteps } = JSON.parse(none.stdout) as { resumedSteps: number };
    expect(resumedSteps).toBeGreaterThanOrEqual(2);

    const steps = String(resumedSteps + 3);
    const resumed = await pipewright([
      ...TRAIN,
      ...kept,
      "--resume",
      "auto",
      "--steps",
      steps,
      "-o",
      at("resumed.onnx"),
    ]);
    expect(resumed.stderr).toContain(`resumed: after step ${resumedSteps}`);
    expect(resumed.exitCode).toBe(0);
    const straight = await pipewright([...TRAIN, "--steps", steps, "-o", at("straight.onnx")]);
    expect(straight.exitCode).toBe(0);
    expect(readFileSync(at("resumed.onnx")).equals(readFileSync(at("straight.onnx")))).toBe(true);
  });

  it("has nothing to resume where nothing is", async () => {
    const { exitCode, stderr } = await pipewright([...TRAIN, "--resume", at("nowhere"), "--steps", "2"]);
    expect(exitCode).toBe(8);
    expect(stderr).toMatch(/there is no checkpoint/);
  });
});
