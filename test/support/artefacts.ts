/** @file One of every file that is read back, on a simulated disk, with its reader. */
import { OPS } from "../../compiler/ops/registry.js";
import { parseLoss } from "../../compiler/loss/spec.js";
import type { Plan } from "../../compiler/plan/plan.js";
import { analyticProfile } from "../../compiler/profile/analytic.js";
import { auditCsv } from "../../compiler/schedule/audit.js";
import { trainingGraph } from "../../compiler/training.js";
import { modelFile } from "../../models/file.js";
import { CheckpointStore, readCheckpoint } from "../../runtime/checkpoint/store.js";
import { readConfig } from "../../runtime/cli/config-file.js";
import { readFlags } from "../../runtime/cli/config.js";
import { FLAGS } from "../../runtime/cli/flags.js";
import type { FlagName } from "../../runtime/cli/flags.js";
import { planSummary, stageTable } from "../../runtime/cli/render/plan.js";
import { PLAN_FILES, readPlan, readWeights, SEARCH_FILE, writePlan } from "../../runtime/plan/directory.js";
import { readProfile, writeProfile } from "../../runtime/profile-file.js";
import { readBlocks } from "../../runtime/report/block-file.js";
import { readReport, reportDocument } from "../../runtime/report/document.js";
import { reportPage } from "../../runtime/report/page.js";
import { readRun, writeRun } from "../../runtime/report/run-record.js";
import { readSearch, searchJson } from "../../runtime/report/search-record.js";
import { planTrace } from "../../runtime/report/trace.js";
import { costsFrom, readTimes, stagesOf } from "../../runtime/times-file.js";
import { BELONGING, filesAt } from "../faults/sample-run.js";
import type { SimulatedEnv } from "./simulated-env.js";
import { simulatedEnv } from "./simulated-env.js";
import { compileTiny, TINY_MLP, TUNED } from "./tiny-models.js";
import { startWeights } from "./training.js";

/** A file that somebody may have changed. */
export interface Artefact {
  readonly path: string;
  /** Everything that is read lies below. */
  readonly folder: string;
  /** What reading gives, as text: equal texts are equal readings. */
  read(env: SimulatedEnv): Promise<string>;
  /** The same for a file whose digest in another one would be made again. */
  readForged?(env: SimulatedEnv): Promise<string>;
}

const PLAN = "/plans/plan";
const CHECKPOINT = "/plans/run/step-0000000002";
const NO_ASSETS = { style: "", scripts: [] };

const showPlan = async (env: SimulatedEnv): Promise<string> => {
  const document = await readReport(env, PLAN);
  const { plan } = document;
  const weights = await readWeights(env, PLAN, plan);
  const parts = [
    ...[reportPage(document, NO_ASSETS), planTrace(document), stageTable(plan, 80), planSummary(plan, 80)],
    ...[
      JSON.stringify(plan),
      ...[...weights].map(([name, { bytes }]) => `${name} ${Buffer.from(bytes).toString("hex")}`),
    ],
  ];
  return parts.join("\n");
};
/** As it was written, whatever lies beside it. */
const planOf = async ({ files }: SimulatedEnv): Promise<Plan> =>
  JSON.parse(new TextDecoder().decode(await files.read(`${PLAN}/${PLAN_FILES.plan}`))) as Plan;
const showBlocks = async (env: SimulatedEnv): Promise<string> =>
  JSON.stringify(await readBlocks(env, PLAN, await planOf(env)));
const showRun = async (env: SimulatedEnv): Promise<string> => {
  const plan = await planOf(env);
  const run = await readRun(env, PLAN, plan);
  return JSON.stringify([run, reportDocument(plan, undefined, run, []).measured]);
};
const showCheckpoint = async ({ files }: SimulatedEnv): Promise<string> => {
  const { manifest, state } = await readCheckpoint(files, CHECKPOINT);
  return JSON.stringify([manifest, [...state.parameters], state.optimizerStates.map((tensors) => [...tensors])]);
};
const differentiated = trainingGraph(TINY_MLP.built.graph, OPS, { loss: [parseLoss(TINY_MLP.loss)] }).differentiated;

export const ARTEFACTS: readonly Artefact[] = [
  { path: `${PLAN}/${PLAN_FILES.plan}`, folder: PLAN, read: showPlan },
  {
    path: `${PLAN}/${PLAN_FILES.blocks}`,
    folder: PLAN,
    read: async (env) => JSON.stringify([await readPlan(env, PLAN), await showBlocks(env)]),
    readForged: showBlocks,
  },
  { path: `${PLAN}/run.json`, folder: PLAN, read: showRun },
  { path: `${PLAN}/${SEARCH_FILE}`, folder: PLAN, read: async (env) => JSON.stringify(await readSearch(env, PLAN)) },
  { path: `${PLAN}/${PLAN_FILES.weights}`, folder: PLAN, read: showPlan },
  { path: `${PLAN}/${PLAN_FILES.schedule}`, folder: PLAN, read: showPlan },
  { path: `${PLAN}/stages/0.forward.onnx`, folder: PLAN, read: showPlan },
  { path: `${CHECKPOINT}/MANIFEST`, folder: CHECKPOINT, read: showCheckpoint },
  { path: `${CHECKPOINT}/parameters-0.safetensors`, folder: CHECKPOINT, read: showCheckpoint },
  {
    path: "/plans/profile.json",
    folder: "/plans",
    read: async (env) => JSON.stringify([...(await readProfile(env, "/plans/profile.json", differentiated)).nodes]),
  },
  {
    path: "/plans/times.json",
    folder: "/plans",
    read: async (env) => {
      const times = await readTimes(env, "/plans/times.json");
      return JSON.stringify([times, costsFrom(times, stagesOf(times) ?? 1, [])]);
    },
  },
  {
    path: "/plans/schedule.csv",
    folder: "/plans",
    read: async ({ files }) => {
      const text = new TextDecoder().decode(await files.read("/plans/schedule.csv"));
      return JSON.stringify(auditCsv(text, "/plans/schedule.csv"));
    },
  },
  {
    path: "/plans/job.yaml",
    folder: "/plans",
    read: async ({ files }) =>
      JSON.stringify(readFlags([await readConfig(files, "/plans/job.yaml")], Object.keys(FLAGS) as FlagName[])),
  },
];

/** A disk with all of them, as they were written. */
export async function artefacts(): Promise<SimulatedEnv> {
  const env = simulatedEnv();
  const { files } = env;
  await files.makeDirectory("/plans");
  const compiled = await compileTiny(TINY_MLP, { schedule: "1f1b", microbatches: 2, optimizer: TUNED });
  const search = searchJson([{ schedule: "1f1b", solver: "exact", status: "optimal", endMs: 1, gap: 0 }]);
  const contents = { ...compiled, weights: startWeights(TINY_MLP), model: modelFile(TINY_MLP.built), search };
  const plan = await writePlan(env, PLAN, contents);
  const rows = plan.rows.map((row) => ({
    startMs: Float64Array.from(row, (_, at) => at),
    endMs: Float64Array.from(row, (_, at) => at + 1),
    stoodIn: [],
    updateEndMs: row.length + 1,
    peakBytes: 0,
    shares: { compute: 1, wait: 0, transfer: 0, update: 0, overhead: 0 },
  }));
  const host = { node: "20", platform: "linux", architecture: "x64", cpu: "a cpu", cores: 2, memoryBytes: 1 };
  const versions = { pipewright: "0", engine: "ort" };
  await writeRun(env, PLAN, { losses: [2, 1], stepMs: [3, 3], rows, host, versions });
  const store = new CheckpointStore(files, "/plans/run");
  await store.open();
  for (const step of [1, 2]) await store.save(step, filesAt(step), BELONGING);
  await writeProfile(env, "/plans/profile.json", analyticProfile(differentiated, OPS, plan.devices[0]!));
  const times = { forwardMs: [1, 2], inputGradMs: [1, 2], weightGradMs: 1, stash: { forward: 1, weight: 1 } };
  const transfers = [{ from: 0, to: 1, latencyMs: 1 }];
  await files.writeAtomic(
    "/plans/times.json",
    JSON.stringify({ ...times, transfers, overlap: 0.5, placement: [0, 1] }),
  );
  await files.writeAtomic("/plans/schedule.csv", "0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n");
  await files.writeAtomic("/plans/job.yaml", "devices: 2\nbind: {batch: 4}\nmicrobatches: 4\n");
  return env;
}
