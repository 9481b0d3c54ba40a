/** @file `demo`: the whole way on a small transformer and a Markov chain, both made in code. */
import { threadsOf } from "../../../compiler/cluster.js";
import { parseLoss } from "../../../compiler/loss/spec.js";
import { modelFile } from "../../../models/file.js";
import { DEMO_GPT } from "../../../models/gpt.js";
import { gptLesson } from "../../../models/lesson.js";
import { ADAMW } from "../../../compiler/optimizer/adamw.js";
import type { Dataset } from "../../dataset/dataset.js";
import { hostFacts } from "../../env/host.js";
import { modelOf } from "../../model-file.js";
import { REPORT_FILE } from "../../report/page.js";
import { TRACE_FILE } from "../../report/trace.js";
import { writeTrained } from "../../trained-model.js";
import type { CommandBody, Context } from "../command.js";
import type { FlagValues } from "../flags.js";
import { parseDevices } from "../parse/devices.js";
import { partitionJson, verifyJson } from "../plan-json.js";
import type { Planned } from "../planning.js";
import { makePlan, PLANNING_PHASES } from "../planning.js";
import { formatCount } from "../../report/format.js";
import { planSummary, stageTable } from "../render/plan.js";
import type { Fact } from "../render/table.js";
import { renderFacts } from "../render/table.js";
import { renderTimeline } from "../render/timeline.js";
import type { Run } from "../training-run.js";
import { lossLine, measuredRows, recordRun, runFacts, runTraining, trainJson } from "../training-run.js";
import { refuseMismatch, verificationLine, verifyOnOneDevice } from "./verify.js";

const DEFAULT_STEPS = 60;
const DEFAULT_DIRECTORY = "pipewright-demo";
const LEARNING_RATE = 0.01;
const MICROBATCHES_PER_DEVICE = 4;
/** Names in the plan directory besides the plan's own. */
const TRAINED = "trained.onnx";

/** Exit code 11 when the pipeline differs from one device. */
export const demo: CommandBody = async (context, _, flags) => {
  const { env } = context;
  const seed = flags.seed ?? 0;
  const devices = flags.devices ?? parseDevices("2");
  const progress = context.progress(["model", ...PLANNING_PHASES, "verify", "train"]);
  progress.begin("model");
  const { built, loss, task } = gptLesson({ ...DEMO_GPT, seed });
  const model = modelOf(modelFile(built), "demo-gpt");
  const dataset: Dataset = { samples: undefined, about: "a Markov chain", feeds: task.feeds };
  progress.end(`${model.graph.nodes.length} nodes, a transformer of ${DEMO_GPT.layers} layers`);
  const wanted: FlagValues = {
    ...flags,
    devices,
    microbatches: MICROBATCHES_PER_DEVICE * devices.length,
    loss: [parseLoss(loss)],
    optimizer: { ...ADAMW, learningRate: LEARNING_RATE },
  };
  const planned = await makePlan(env, progress, model, wanted, flags.out ?? DEFAULT_DIRECTORY);
  const { plan, directory } = planned;
  progress.begin("verify");
  const verification = await verifyOnOneDevice(env, { directory, plan }, dataset);
  progress.end(verificationLine(verification));
  refuseMismatch("demo", verification);
  const run = await runTraining(context, progress, { directory, plan, dataset, steps: flags.steps ?? DEFAULT_STEPS });
  if (run.weights) await writeTrained(env, directory, plan, run.weights, `${directory}/${TRAINED}`);
  await recordRun(context, directory, plan, run);
  return {
    json: {
      ...partitionJson(planned),
      verify: verifyJson(verification, plan),
      train: { ...trainJson(plan, run), floor: task.floor },
    },
    text: describe(context, planned, run, task.floor),
  };
};

function describe({ columns, color }: Context, { plan, directory }: Planned, run: Run, floor: number): string {
  const { cores } = hostFacts();
  const first = run.losses[0] ?? NaN;
  const last = run.losses.at(-1) ?? NaN;
  const losses = `${first.toFixed(3)} to ${last.toFixed(3)} in ${run.losses.length} steps`;
  const loss: readonly Fact[] = [
    ["loss", lossLine(run.losses, columns - 13)],
    ["", `${losses}; no model can go below ${floor.toFixed(3)}`],
    ...(threadsOf(plan.devices) > cores
      ? [["", `${plan.devices.length} workers share ${cores} cores, which bounds the speed`] as const]
      : []),
  ];
  const files = ["plan.json", "schedule.csv", "stages/", TRAINED, `${TRACE_FILE} (for ui.perfetto.dev)`, REPORT_FILE];
  const ending: readonly Fact[] = [
    ["wrote", `${directory}/: ${files.join(", ")}`],
    ["next", `open ${directory}/${REPORT_FILE} in a browser, then pipewright inspect YOUR.onnx`],
  ];
  return [
    `demo-gpt: ${plan.model.nodes} nodes, ${formatCount(plan.model.parameters)} parameters, ${plan.devices.length} worker processes`,
    "",
    stageTable(plan, columns),
    planSummary(plan, columns),
    "one measured step (F forward, B backward, I and W its halves, . waiting):",
    renderTimeline(measuredRows(plan, run.rows), columns, color),
    renderFacts([...runFacts(plan, run), ...loss], columns),
    renderFacts(ending, columns),
  ].join("\n");
}
