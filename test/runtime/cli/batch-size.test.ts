import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { modelFile } from "../../../models/file.js";
import { buildMlp } from "../../../models/mlp.js";
import type { BatchNumbers } from "../../../runtime/cli/batch-size.js";
import { completeBatch } from "../../../runtime/cli/batch-size.js";
import { pipewright } from "../../support/shell.js";
import { symbolicBatch } from "../../support/symbolic-batch.js";

const message = (numbers: BatchNumbers): string => {
  try {
    return JSON.stringify(completeBatch(numbers));
  } catch (error) {
    return (error as Error).message;
  }
};

describe("of batch, microbatches and microbatch size", () => {
  const whole = { batch: 64, microbatches: 16, microbatchSize: 4 };
  it.each([
    { batch: 64, microbatches: 16 },
    { batch: 64, microbatchSize: 4 },
    { microbatches: 16, microbatchSize: 4 },
    whole,
  ])("two give the third: %j", (numbers) => expect(completeBatch(numbers)).toEqual(whole));

  it("one alone says nothing of the others", () => {
    expect(completeBatch({ microbatches: 8 })).toEqual({ microbatches: 8 });
    expect(completeBatch({ microbatchSize: 8 })).toEqual({ microbatchSize: 8 });
  });

  it.each([
    [
      { batch: 64, microbatches: 8, microbatchSize: 4 },
      "--batch: the numbers contradict each other; got 64 samples, expected 8 microbatches of 4, which are 32. Leave one of the three out.",
    ],
    [
      { batch: 30, microbatchSize: 4 },
      "--batch: the samples cannot be divided; got 30 for microbatches of 4, expected a multiple of 4. Change one of the two.",
    ],
    [
      { batch: 30, microbatches: 4 },
      "--batch: the samples cannot be divided; got 30 for 4 microbatches, expected a multiple of 4. Change one of the two.",
    ],
    [
      { batch: 30 },
      "--batch: 30 samples are not enough to know; got neither microbatches nor their size. Give --microbatches or --microbatch-size.",
    ],
  ])("%j is refused with the numbers", (numbers, text) => expect(message(numbers)).toBe(text));
});

describe("a model", () => {
  const folder = mkdtempSync(join(tmpdir(), "pipewright-batch-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const fixed = join(folder, "fixed.onnx");
  const free = join(folder, "free.onnx");
  const bytes = modelFile(buildMlp({ batch: 4, inputs: 2, widths: [8, 8], classes: 2 }));
  writeFileSync(fixed, bytes);
  writeFileSync(free, symbolicBatch(bytes, "N"));

  const plan = async (model: string, ...words: readonly string[]) => {
    const { exitCode, stdout, stderr } = await pipewright([
      ...["partition", model, "--analytic", "--loss", "mse", "-o", join(folder, "plan"), "--json"],
      ...["--schedule", "1f1b"], // one stage per device
      ...words,
    ]);
    if (exitCode !== 0)
      return stderr
        .replace("error: ", "")
        .split("\n")
        .findLast((line) => line !== "");
    const { schedule } = JSON.parse(stdout) as { schedule: { peakActivations: readonly number[] } };
    expect(schedule.peakActivations.length).toBe(2);
    const shown = await pipewright(["simulate", join(folder, "plan")]);
    return /(\d+) microbatches/.exec(shown.stdout)![0];
  };

  it("whose batch is fixed takes its microbatches from --batch", async () => {
    expect(await plan(fixed, "--batch", "24")).toBe("6 microbatches");
    expect(await plan(fixed, "--batch", "24", "-m", "5")).toBe(
      "--batch: the numbers contradict each other; got 24 samples, expected 5 microbatches of 4, which are 20. Leave one of the three out.",
    );
    expect(await plan(fixed, "--microbatch-size", "8")).toBe(
      "--microbatch-size: the model's batch dimension has another size; got 8, expected 4. Leave it out.",
    );
  });

  it("with a symbolic batch takes its size from any two", async () => {
    expect(await plan(free, "--batch", "24", "-m", "3")).toBe("3 microbatches");
    expect(await plan(free, "--batch", "24", "--microbatch-size", "3")).toBe("8 microbatches");
    expect(await plan(free, "--batch", "24", "--bind", "N=6")).toBe("4 microbatches");
  });
});
