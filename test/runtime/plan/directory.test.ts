/** @file Plan directories: what is written is read back; what was damaged is refused with the reason; a failing disk leaves nothing. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Compiled } from "../../../compiler/compile.js";
import { PipewrightError } from "../../../compiler/errors.js";
import { modelFile } from "../../../models/file.js";
import { sealedJson } from "../../../runtime/artefact.js";
import type { Env } from "../../../runtime/env/env.js";
import { PLAN_FILES, readPlan, readWeights, writePlan } from "../../../runtime/plan/directory.js";
import { simulatedEnv } from "../../support/simulated-env.js";
import { compileTiny, TIED_GPT } from "../../support/tiny-models.js";
import { startWeights } from "../../support/training.js";

const PLAN = "/plan";
let compiled: Compiled;
beforeAll(async () => {
  compiled = await compileTiny(TIED_GPT, { schedule: "zb-h1" });
});

async function written(env: Env = simulatedEnv()): Promise<Env> {
  await writePlan(env, PLAN, { ...compiled, weights: startWeights(TIED_GPT), model: modelFile(TIED_GPT.built) });
  return env;
}

async function refusal(env: Env): Promise<string> {
  try {
    const plan = await readPlan(env, PLAN);
    await readWeights(env, PLAN, plan);
  } catch (error) {
    if (!(error instanceof PipewrightError)) throw error;
    return `${error.code}: ${error.message.replaceAll(/[0-9a-f]{64}/g, "…")}`;
  }
  return "none";
}

/** Writes the plan, changes plan.json as parsed, seals it again, and says how it is refused. */
async function refusalOf(edit: (plan: Editable) => unknown): Promise<string> {
  const env = await written();
  const path = `${PLAN}/${PLAN_FILES.plan}`;
  const plan = JSON.parse(new TextDecoder().decode(await env.files.read(path))) as Editable;
  delete plan["digest"];
  edit(plan);
  await env.files.writeAtomic(path, sealedJson(plan));
  return refusal(env);
}

/** plan.json as a test bends it. */
interface Editable {
  version: number;
  files: Record<string, string>;
  rows: { stage: number; phase: string; microbatch: number; waits: { device: number; count: number }[] }[][];
  stages: {
    index: number;
    programs: { file: string; kind: string; inputs: { tensor: string; at: string }[] }[];
    standIns?: number[];
  }[];
  devices: { kind: string }[];
  slotGroups: { slotOf: number[]; slots: number; values: { name: string }[] }[];
  parameters: { stage: number; name: string; shape: number[] }[];
  [key: string]: unknown;
}

it("gives back what was written", async () => {
  const env = await written();
  const plan = await readPlan(env, PLAN);
  const { files, ...rest } = plan;
  expect(rest).toEqual(JSON.parse(JSON.stringify(compiled.plan)));
  expect(Object.keys(files)).toEqual(expect.arrayContaining([...compiled.programs.keys()]));
  const weights = await readWeights(env, PLAN, plan);
  for (const [name, { bytes }] of startWeights(TIED_GPT)) expect(weights.get(name)!.bytes).toEqual(bytes);
});

it("writes the same bytes for the same plan", async () => {
  const read = async (env: Env, name: string) => env.files.read(`${PLAN}/${name}`);
  const [first, second] = [await written(), await written()];
  const names = Object.values(PLAN_FILES).filter((name) => name !== PLAN_FILES.external);
  for (const name of names) expect(await read(first, name)).toEqual(await read(second, name));
});

describe("a changed file is refused", () => {
  it("when one bit of any file differs", async () => {
    const names = ["stages/0.forward.onnx", PLAN_FILES.weights, PLAN_FILES.model, PLAN_FILES.schedule];
    for (const name of names) {
      const env = await written();
      const bytes = (await env.files.read(`${PLAN}/${name}`)).slice();
      bytes[bytes.length >> 1]! ^= 1;
      await env.files.writeAtomic(`${PLAN}/${name}`, bytes);
      expect(await refusal(env)).toBe(
        `ARTEFACT_MISMATCH: /plan: ${name} was changed; got sha256 …, expected …. Make the plan again with \`pipewright partition\`.`,
      );
    }
  });

  it("when it is missing", async () => {
    const env = await written();
    await env.files.remove(`${PLAN}/stages/0.forward.onnx`);
    expect(await refusal(env)).toMatch(/^FILE: .*stages\/0\.forward\.onnx/);
  });

  it("when plan.json is no JSON", async () => {
    const env = await written();
    await env.files.writeAtomic(`${PLAN}/${PLAN_FILES.plan}`, '{"version": 1');
    expect(await refusal(env)).toMatch(
      /^ARTEFACT_MISMATCH: \/plan: plan\.json: it is not JSON \(.+\)\. Make the plan again/,
    );
  });
});

describe("a changed plan.json is refused", () => {
  const cases: readonly (readonly [string, (plan: Editable) => unknown, string])[] = [
    ["another version", (plan) => (plan.version = 2), "plan.json: version: "],
    ["an unknown key", (plan) => (plan["extra"] = 1), "plan.json: the document: "],
    [
      "a path out of the directory",
      (plan) => (plan.stages[0]!.programs[0]!.file = "../stages/0.forward.onnx"),
      "plan.json: stages.0.programs.0.file: ",
    ],
    [
      "a digest for a file outside",
      (plan) => (plan.files["../../etc/passwd"] = "0".repeat(64)),
      'plan.json names the file "../../etc/passwd", which no plan has',
    ],
    [
      "no digest of a program",
      (plan) => delete plan.files["stages/0.forward.onnx"],
      "plan.json has no digest for stages/0.forward.onnx",
    ],
    [
      "no digest of the weights",
      (plan) => delete plan.files["weights.safetensors"],
      "plan.json has no digest for weights.safetensors",
    ],
    ["a missing row", (plan) => plan.rows.pop(), "plan.json has 1 rows for 2 devices"],
    ["a renumbered stage", (plan) => (plan.stages[1]!.index = 0), "plan.json: stage 1 is numbered 0 or on no device"],
    [
      "a stand-in that is not there",
      (plan) => (plan.stages[0]!.standIns = [2]),
      "plan.json: stage 0 has a stand-in that cannot run its weight gradients",
    ],
    [
      "a stand-in of another kind",
      (plan) => (plan.devices[1]!.kind = "webgpu"),
      "plan.json: stage 0 has a stand-in that cannot run its weight gradients",
    ],
    ["a missing action", (plan) => plan.rows[0]!.pop(), "plan.json: schedule zb-h1: stage 0 does not do all of"],
    [
      "a wait that never ends",
      (plan) => plan.rows[0]![0]!.waits.push({ device: 1, count: 3 }),
      "plan.json: action 0F0 waits for what never happens",
    ],
    [
      "a wait for no device",
      (plan) => plan.rows[1]![2]!.waits.push({ device: 9, count: 1 }),
      "waits for what never happens",
    ],
    [
      "a slot past the ring",
      (plan) => (plan.slotGroups[0]!.slotOf[0] = 99),
      "plan.json: the slots of stage 0 do not fit",
    ],
    ["two groups for a value", (plan) => plan.slotGroups.push(plan.slotGroups[0]!), "has two groups of slots"],
    ["a parameter on no stage", (plan) => (plan.parameters[0]!.stage = 7), "is on no stage"],
    [
      "a parameter in no group",
      (plan) => Object.assign(plan.parameters[0]!, { group: 0 }),
      "is in no group of the optimizer",
    ],
    [
      "a schedule without end",
      (plan) =>
        Object.assign(plan["optimizer"] as object, {
          schedule: { kind: "cosine", warmupSteps: 1, warmupStart: 0, floor: 0 },
        }),
      "plan.json: the learning-rate schedule cosine has no end",
    ],
    ["a port to nowhere", (plan) => (plan.slotGroups[0]!.values[0]!.name = "elsewhere"), ", which is nowhere"],
    [
      "weights of another shape",
      (plan) => plan.parameters[0]!.shape.push(1),
      'weights.safetensors: parameter "embedding.tokens" does not fit; got float32[7,8], expected float32[7,8,1]',
    ],
  ];

  it.each(cases)("with %s", async (_, edit, reason) => {
    const message = await refusalOf(edit);
    expect(message).toMatch(/^ARTEFACT_MISMATCH: \/plan: .*\. Make the plan again with `pipewright partition`\.$/);
    expect(message).toContain(reason);
  });
});

it("leaves what was there, and nothing else, when any operation of the disk fails", async () => {
  const sizes = async (env: Env) => (await env.files.exists(PLAN)) && (await refusal(env));
  for (let at = 0; ; at++) {
    const env = simulatedEnv();
    env.disk.setFault({ kind: "fail", at, code: "EIO" });
    const error: unknown = await written(env).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    env.disk.setFault();
    if (error === undefined) {
      expect(at).toBeGreaterThan(10);
      expect(await sizes(env)).toBe("none");
      break;
    }
    expect(error).toBeInstanceOf(PipewrightError);
    expect((error as PipewrightError).code).toBe("FILE");
    const found = await sizes(env);
    if (found !== false) expect(found).toBe("none");
    const others = (await env.files.list("/")).filter((name) => `/${name}` !== PLAN);
    expect(others, `after operation ${at} failed`).toEqual([]);
  }
});
