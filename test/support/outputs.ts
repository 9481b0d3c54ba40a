/** @file Every kind of file that commands leave, each written in two versions, with what finds out which one is there. */
import type { Compiled } from "../../compiler/compile.js";
import { compile } from "../../compiler/compile.js";
import { localCluster } from "../../compiler/cluster.js";
import { parseLoss } from "../../compiler/loss/spec.js";
import { decodeModel, encodeModel } from "../../compiler/onnx/codec.js";
import type { TensorProto } from "../../compiler/onnx/proto.js";
import type { Plan } from "../../compiler/plan/plan.js";
import type { Tensors } from "../../compiler/plan/safetensors.js";
import { modelFile } from "../../models/file.js";
import { CheckpointStore } from "../../runtime/checkpoint/store.js";
import type { Env, Files } from "../../runtime/env/env.js";
import { exportTorch } from "../../runtime/torch-export/export-torch.js";
import { exportOnnx } from "../../runtime/export-onnx.js";
import { readRemains } from "../../runtime/external-remains.js";
import { loadModel, loadWeights, startValues } from "../../runtime/model-file.js";
import { PLAN_FILES, readPlan, readWeights, writePlan } from "../../runtime/plan/directory.js";
import { writeProfile } from "../../runtime/profile-file.js";
import { readReport } from "../../runtime/report/document.js";
import { writeReport } from "../../runtime/report/page.js";
import { writeRun } from "../../runtime/report/run-record.js";
import { searchJson } from "../../runtime/report/search-record.js";
import { writeTrained } from "../../runtime/trained-model.js";
import { BELONGING, filesAt } from "../faults/sample-run.js";
import { assetFiles } from "./report-assets.js";
import { pipewright } from "./shell.js";
import { compileTiny, SGD, TINY_MLP } from "./tiny-models.js";
import { torchScripts } from "./torch-scripts.js";
import { startWeights } from "./training.js";

export type Version = "old" | "new";

/** An output below `/out`, which is there and empty at first. */
export interface Output {
  readonly name: string;
  /** What is read to write it, in other directories. */
  prepare?(env: Env): Promise<void>;
  write(env: Env, version: Version): Promise<unknown>;
  /** Texts are equal for equal versions; fails when there is a mixture. Nothing: the output is not there. */
  found(env: Env): Promise<string | undefined>;
}

const MICROBATCHES = { old: 2, new: 4 } as const;

async function contentsOf(version: Version) {
  const compiled: Compiled = await compileTiny(TINY_MLP, { microbatches: MICROBATCHES[version] });
  const search = searchJson([{ schedule: version, solver: "", status: "pruned", endMs: 0 }]);
  return { ...compiled, weights: startWeights(TINY_MLP), model: modelFile(TINY_MLP.built), search };
}

const at = (version: Version): string => `/in/${version}`;

async function preparePlans(env: Env): Promise<void> {
  await env.files.makeDirectory("/in");
  for (const version of ["old", "new"] as const) await writePlan(env, at(version), await contentsOf(version));
}

async function prepareReports(env: Env): Promise<void> {
  await preparePlans(env);
  await assetFiles(env);
}

const textAt = async (files: Files, path: string): Promise<string | undefined> =>
  (await files.exists(path)) ? new TextDecoder("utf-8", { fatal: true }).decode(await files.read(path)) : undefined;
/** A document that must be whole. */
const jsonAt = async (files: Files, path: string): Promise<string | undefined> => {
  const text = await textAt(files, path);
  return text === undefined ? undefined : JSON.stringify(JSON.parse(text));
};

/** Weights that tell the versions apart in every tensor. */
function weightsOf(weights: Tensors, version: Version): Tensors {
  return new Map(
    [...weights].map(([name, tensor]) => {
      const floats = new Float32Array(tensor.bytes.slice().buffer).fill(version === "old" ? 1 : 2);
      return [name, { ...tensor, bytes: new Uint8Array(floats.buffer) }];
    }),
  );
}

async function trainedVersion(env: Env, path: string): Promise<string | undefined> {
  if (!(await env.files.exists(path))) return undefined;
  const weights = await loadWeights(env, await loadModel(env, path));
  const values = new Set([...weights.values()].flatMap(({ bytes }) => [...new Float32Array(bytes.slice().buffer)]));
  if (values.size !== 1) throw new Error(`weights of both versions: ${[...values].join(", ")}`);
  return String([...values][0]);
}

/** The perceptron with every second tensor in another file. */
async function prepareExternal(env: Env): Promise<void> {
  const { files } = env;
  await files.makeDirectory("/in");
  const model = decodeModel(modelFile(TINY_MLP.built));
  const outside: Uint8Array[] = [];
  const initializer = model.graph!.initializer!.map((tensor, position): TensorProto => {
    if (position % 2 === 0) return tensor;
    const { raw_data, ...rest } = tensor;
    const offset = outside.reduce((sum, { length }) => sum + length, 0);
    outside.push(raw_data!);
    const place = { location: "w.bin", offset: String(offset), length: String(raw_data!.length) };
    const external_data = Object.entries(place).map(([key, value]) => ({ key, value }));
    return { ...rest, data_location: 1, external_data };
  });
  await files.writeAtomic("/in/w.bin", Buffer.concat(outside));
  await files.writeAtomic("/in/m.onnx", encodeModel({ ...model, graph: { ...model.graph!, initializer } }));
  const loaded = await loadModel(env, "/in/m.onnx");
  const compiled = await compile(loaded, {
    cluster: localCluster(2),
    pipeline: { schedule: "1f1b", microbatches: 2 },
    training: { loss: [parseLoss(TINY_MLP.loss)] },
    optimizer: SGD,
    partition: { model: "direct", solver: undefined },
    profile: "analytic",
  });
  const [external, weights] = [(await readRemains(env, loaded))!, startValues(env, loaded)];
  await writePlan(env, at("old"), { ...compiled, weights, model: loaded.bytes, external });
}

const trainedInto = async (env: Env, plan: string, version: Version): Promise<unknown> => {
  const read: Plan = await readPlan(env, plan);
  return writeTrained(env, plan, read, weightsOf(await readWeights(env, plan, read), version), "/out/trained.onnx");
};

const commandInto = (path: string, ...words: readonly string[]): Output => ({
  name: `${words[0]} ${words.at(-1)}`,
  prepare: preparePlans,
  write: async (env, version) => {
    const given = words.map((word) => word.replace("PLAN", at(version)).replace("M", String(MICROBATCHES[version])));
    const { exitCode, stderr } = await pipewright([...given, path], { makeEnv: () => Promise.resolve(env) });
    if (exitCode !== 0) throw Object.assign(new Error(stderr), { code: exitCode === 6 ? "FILE" : exitCode });
  },
  found: ({ files }) => (path.endsWith(".json") ? jsonAt(files, path) : textAt(files, path)),
});

const SCHEDULE = ["schedule", "--devices", "2", "--schedule", "1f1b", "--microbatches", "M"];

export const OUTPUTS: readonly Output[] = [
  {
    name: "plan directory",
    write: async (env, version) => writePlan(env, "/out/plan", await contentsOf(version)),
    found: async (env) => {
      if (!(await env.files.exists("/out/plan"))) return undefined;
      const { plan, search } = await readReport(env, "/out/plan");
      await readWeights(env, "/out/plan", plan);
      return `${plan.microbatches} ${search[0]!.schedule}`;
    },
  },
  {
    name: "report.html",
    prepare: prepareReports,
    write: (env, version) => writeReport(env, at(version), "/out/report.html"),
    found: async ({ files }) => {
      const page = await textAt(files, "/out/report.html");
      if (page !== undefined && !page.endsWith("</html>\n")) throw new Error("half a page");
      return page;
    },
  },
  {
    name: "run.json",
    prepare: async (env) => void (await writePlan(env, "/out/plan", await contentsOf("old"))),
    write: (env, version) => {
      const host = { node: "", platform: "", architecture: "", cpu: "", cores: 1, memoryBytes: 1 };
      const run = { losses: [MICROBATCHES[version]], stepMs: [1], rows: [], host };
      return writeRun(env, "/out/plan", { ...run, versions: { pipewright: "", engine: "" } });
    },
    found: ({ files }) => jsonAt(files, "/out/plan/run.json"),
  },
  {
    name: "profile.json",
    write: (env, version) => {
      const profile = { version: 1, source: "analytic", deviceKind: "cpu", graphDigest: "0".repeat(16) } as const;
      const cost = { forwardMs: MICROBATCHES[version], inputGradMs: 1, weightGradMs: 1 };
      return writeProfile(env, "/out/profile.json", { ...profile, nodes: new Map([["a", cost]]) });
    },
    found: ({ files }) => jsonAt(files, "/out/profile.json"),
  },
  {
    name: "trained model",
    prepare: preparePlans,
    write: (env, version) => trainedInto(env, at("old"), version),
    found: (env) => trainedVersion(env, "/out/trained.onnx"),
  },
  {
    name: "trained model with external data",
    prepare: prepareExternal,
    write: (env, version) => trainedInto(env, at("old"), version),
    found: (env) => trainedVersion(env, "/out/trained.onnx"),
  },
  {
    name: "exported ONNX files",
    prepare: preparePlans,
    write: async (env, version) => exportOnnx(env, at(version), await readPlan(env, at(version)), "/out/staged"),
    found: async (env) => {
      if (!(await env.files.exists("/out/staged"))) return undefined;
      const model = decodeModel(await env.files.read(`/out/staged/${PLAN_FILES.model}`));
      const stages = await env.files.list("/out/staged/stages");
      for (const name of stages) decodeModel(await env.files.read(`/out/staged/stages/${name}`));
      return `${model.graph!.node!.length} ${stages.join()}`;
    },
  },
  {
    name: "exported program for PyTorch",
    prepare: async (env) => {
      await preparePlans(env);
      await torchScripts(env.files);
    },
    write: async (env, version) => exportTorch(env, at(version), await readPlan(env, at(version)), "/out/torch"),
    found: async ({ files }) => {
      if (!(await files.exists("/out/torch"))) return undefined;
      const text = (await textAt(files, "/out/torch/pipeline.json"))!;
      const { microbatches, stages } = JSON.parse(text) as { microbatches: number; stages: { file: string }[] };
      for (const { file } of stages) decodeModel(await files.read(`/out/torch/${file}`));
      for (const name of ["train.py", "onnx_stage.py", "onnx_operators.py", "schedule.csv", "weights.safetensors"])
        if ((await files.size(`/out/torch/${name}`)) === 0) throw new Error(`${name} is empty`);
      return String(microbatches);
    },
  },
  {
    name: "checkpoint",
    write: async ({ files }, version) => {
      const store = new CheckpointStore(files, "/out/run");
      await store.open();
      await store.save(MICROBATCHES[version], filesAt(MICROBATCHES[version]), BELONGING);
    },
    found: async ({ files }) => {
      const { checkpoint, refused } = await new CheckpointStore(files, "/out/run").newest();
      if (refused.length > 0) throw new Error(refused[0]!.reason);
      return checkpoint && String(checkpoint.state.step);
    },
  },
  commandInto("/out/s.csv", ...SCHEDULE, "--csv"),
  commandInto("/out/s.svg", ...SCHEDULE, "--svg"),
  commandInto("/out/s.json", ...SCHEDULE, "--trace"),
  commandInto("/out/t.json", "simulate", "PLAN", "-o"),
];
