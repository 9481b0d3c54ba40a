/** @file Learning-rate schedules, groups, clipping and modes from the command line: what is planned, run and resumed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Plan } from "../../compiler/plan/plan.js";
import { modelFile } from "../../models/file.js";
import { buildResnet, RESNET_LOSS } from "../../models/resnet.js";
import { pipewright } from "../support/shell.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-training-flags-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const model = at("model.onnx");
beforeAll(() =>
  writeFileSync(model, modelFile(buildResnet({ batch: 2, image: 4, channels: 2, groups: 2, blocks: 1, classes: 3 }))),
);

interface TrainJson {
  readonly losses: readonly number[];
  readonly learningRates: readonly number[];
  readonly gradNorms: readonly number[];
}

async function json<T>(words: readonly string[], variables = {}): Promise<T> {
  const { exitCode, stdout, stderr } = await pipewright([...words, "--json"], { variables });
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

const planAt = (path: string) => JSON.parse(readFileSync(join(path, "plan.json"), "utf8")) as Plan;
const PLANNING = ["--loss", RESNET_LOSS, "--devices", "2", "--microbatches", "2", "--analytic"];
const SETTINGS = [
  ...["--optimizer", "sgd:lr=0.5,momentum=0.9,weight-decay=0.1"],
  ...["--param-group", "@vectors:weight-decay=0", "--param-group", "head.*:lr-scale=0.5", "--clip-norm", "0.25"],
  ...["--trainable", "!*stem*bias", "--batch-norm", "frozen"],
];

describe("training flags", () => {
  it("are in the plan, from flags and from a file alike", async () => {
    const flags = ["--lr-schedule", "cosine:warmup=2,total=8,min=0.1"];
    await json(["partition", model, ...PLANNING, ...SETTINGS, ...flags, "-o", at("flags")]);
    const config = {
      optimizer: { type: "sgd", lr: 0.5, momentum: 0.9, weight_decay: 0.1 },
      scheduler: { type: "cosine", warmup_num_steps: 2, total_num_steps: 8, cos_min_ratio: 0.1 },
      "param-group": ["@vectors:weight-decay=0", "head.*:lr-scale=0.5"],
      gradient_clipping: 0.25,
      trainable: ["!*stem*bias"],
      batchNorm: "frozen",
    };
    writeFileSync(at("job.json"), JSON.stringify(config));
    await json(["partition", model, ...PLANNING, "--config", at("job.json"), "-o", at("file")]);
    const { optimizer, training, parameters } = planAt(at("flags"));
    expect(optimizer).toEqual({
      ...{ kind: "sgd", learningRate: 0.5, momentum: 0.9, weightDecay: 0.1, clipNorm: 0.25 },
      schedule: { kind: "cosine", warmupSteps: 2, warmupStart: 0, totalSteps: 8, floor: 0.1 },
      groups: [
        { parameters: ["@vectors"], weightDecay: 0 },
        { parameters: ["head.*"], learningRateScale: 0.5 },
      ],
    });
    expect(training).toMatchObject({ trainable: ["!*stem*bias"], batchNorm: "frozen" });
    const trained = (name: string) => parameters.find((parameter) => parameter.name === name);
    expect(trained("head.weight")).toMatchObject({ trainable: true, group: 1 });
    expect(trained("head.bias")).toMatchObject({ trainable: true, group: 0 });
    expect(parameters.filter(({ name }) => name.endsWith(".mean")).every((mean) => !mean.trainable)).toBe(true);
    expect({ ...planAt(at("file")), profile: undefined }).toEqual({ ...planAt(at("flags")), profile: undefined });
    expect(await json(["verify", at("flags")])).toMatchObject({ equal: true });
    const variables = { PIPEWRIGHT_CLIP_NORM: "3" };
    const set = ["--set", "clip-norm=4"];
    expect(await json(["config", ...set, "--print"], variables)).toMatchObject({ resolved: { clipNorm: 4 } });
  });

  it("give the learning rate and the norm of every step, and end with the training", async () => {
    const words = ["train", model, ...PLANNING, ...SETTINGS, "--lr-schedule", "linear:warmup=1", "--data", "synthetic"];
    const run = await json<TrainJson>([...words, "--steps", "5", "-o", at("trained.onnx")]);
    expect(run.learningRates).toEqual([0, 0.5, 0.375, 0.25, 0.125]);
    expect(run.gradNorms).toHaveLength(5);
    expect(Math.min(...run.gradNorms)).toBeGreaterThan(0);
    const { stdout } = await pipewright([...words, "--steps", "5", "-o", at("trained.onnx")]);
    expect(stdout).toContain("lr 0 to 0.125, grad norm ");
  });

  it("go on after a stop with the same bits", async () => {
    const words = ["train", at("flags"), "--data", "synthetic", "--steps"];
    const straight = await json<TrainJson>([...words, "6", "-o", at("straight.onnx")]);
    const kept = ["--checkpoint-every", "3", "--checkpoint-dir", at("kept")];
    await json([...words, "3", ...kept]);
    const rest = await json<TrainJson>([...words, "6", ...kept, "--resume", "auto", "-o", at("resumed.onnx")]);
    expect(rest.losses).toEqual(straight.losses.slice(3));
    expect(rest.learningRates).toEqual(straight.learningRates.slice(3));
    expect(rest.gradNorms).toEqual(straight.gradNorms.slice(3));
    expect(readFileSync(at("resumed.onnx"))).toEqual(readFileSync(at("straight.onnx")));
  });

  it.each([
    [["--lr-schedule", "cosine:warmup=2"], "--lr-schedule cosine: its end is missing; expected total=STEPS."],
    [["--param-group", "haed.*:lr-scale=2"], "--param-group haed.*: matches no parameter; the model has "],
    [["--clip-norm", "0"], '--clip-norm: cannot read "0"; expected a number above 0.'],
    [["--clip-norm", "nan"], '--clip-norm: cannot read "nan"; expected a number above 0.'],
    [["--batch-norm", "freeze"], '--batch-norm: cannot read "freeze"; expected one of model, train, frozen.'],
  ])("%j is refused", async (flags, message) => {
    const { exitCode, stderr } = await pipewright(["partition", model, ...PLANNING, ...flags, "-o", at("never")]);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });

  it("are refused for a plan that has its own", async () => {
    const words = ["train", at("flags"), "--data", "synthetic", "--clip-norm", "1"];
    const { exitCode, stderr } = await pipewright(words);
    expect(stderr).toContain("--clip-norm: the plan is made already, with its own. Give the flag to partition");
    expect(exitCode).toBe(2);
  });
});
