/** @file `train`: runs a plan, or makes one from a model first, and writes the trained model. */
import { PipewrightError } from "../../../compiler/errors.js";
import type { Plan } from "../../../compiler/plan/plan.js";
import { openInProcess } from "../../sample-reader.js";
import { readPlan } from "../../plan/directory.js";
import { significant } from "../../report/format.js";
import { REPORT_FILE } from "../../report/page.js";
import { TRACE_FILE } from "../../report/trace.js";
import { DEFAULT_PREFETCH } from "../../train.js";
import { checkWritable, writeTrained } from "../../trained-model.js";
import type { CommandBody, Context } from "../command.js";
import { DEFAULTS } from "../defaults.js";
import type { FlagValues } from "../flags.js";
import { PLANNING_FLAGS } from "../flags.js";
import { lastingOptions } from "../lasting-run.js";
import { makePlan, PLANNING_PHASES } from "../planning.js";
import { limitsOf, readModel } from "../read-model.js";
import type { Progress } from "../progress.js";
import { planPrecision, precisionNotes } from "../render/precision.js";
import { stageTable } from "../render/plan.js";
import type { Fact } from "../render/table.js";
import { renderFacts } from "../render/table.js";
import type { Run } from "../training-run.js";
import { lossLine, recordRun, runFacts, runTraining, trainJson } from "../training-run.js";
import { planDirectory } from "./partition.js";

export const trainCommand: CommandBody = async (context, path, flags) => {
  const { env, columns } = context;
  const isModel = path.endsWith(".onnx");
  const { data } = flags;
  const limits = limitsOf(flags);
  if (data === undefined) {
    throw new PipewrightError(
      "USAGE",
      "--data: it is missing; expected synthetic, FILE or INPUT=FILE. Say where the samples are.",
    );
  }
  const progress = context.progress(isModel ? ["read", ...PLANNING_PHASES, "train"] : ["train"]);
  if (!isModel) refusePlanning(context);
  const directory = isModel ? planDirectory(path, flags.out) : path;
  const steps = flags.steps ?? Number(DEFAULTS.steps);
  const plan = isModel
    ? await planModel(context, progress, path, directory, { ...flags, steps })
    : await readPlan(env, path, limits);
  if (!isModel) for (const note of precisionNotes(planPrecision(plan))) progress.note(note);
  if (flags.out !== undefined) await checkWritable(env, directory, plan, limits);
  const { microbatches, inputs } = plan;
  const source = { source: data, inputs, seed: flags.seed ?? 0, shuffle: flags.shuffle ?? true, microbatches };
  const dataset = await openInProcess(env, source, flags.prefetch ?? DEFAULT_PREFETCH);
  const lasting = lastingOptions(flags, plan, directory);
  let run: Run;
  try {
    run = await runTraining(context, progress, { directory, plan, dataset, steps, lasting });
  } finally {
    await dataset.close();
  }
  if (context.signal.aborted && run.checkpoint !== undefined)
    progress.note(`stopped: ${run.checkpoint} is safe; the same command with --resume auto continues from there`);
  const out = flags.out;
  const written =
    out !== undefined && run.weights ? await writeTrained(env, directory, plan, run.weights, out, limits) : undefined;
  if (run.losses.length > 0) await recordRun(context, directory, plan, run, limits);
  for (const note of written?.notes ?? []) progress.note(note);
  const files = out === undefined ? [] : [out, ...(written?.external ?? [])];
  if (run.losses.length > 0) files.push(`${directory}/${REPORT_FILE}`, `${directory}/${TRACE_FILE}`);
  const ending: readonly Fact[] = [
    ["wrote", files.join(", ") || "nothing"],
    [
      "next",
      `open ${directory}/${REPORT_FILE} in a browser${out === undefined ? "" : `, or pipewright inspect ${out}`}`,
    ],
  ];
  const text = [
    stageTable(plan, columns),
    renderFacts([...runFacts(plan, run), ...lossFacts(run, columns, dataset.about), ...ending], columns),
  ].join("\n");
  return {
    json: { ...trainJson(plan, run), out: out ?? null, external: written?.external ?? [], notes: written?.notes ?? [] },
    text,
  };
};

/** @throws USAGE for a flag of the command line that only a new plan could heed. */
function refusePlanning({ given }: Context): void {
  for (const name of PLANNING_FLAGS.filter((own) => own !== "limit")) {
    const source = given.get(name)?.source;
    if (source?.startsWith("--")) {
      throw new PipewrightError(
        "USAGE",
        `${source}: the plan is made already, with its own. Give the flag to partition, or train the model.onnx.`,
      );
    }
  }
}

function lossFacts(
  { losses, learningRates, gradNorms, resumedSteps }: Run,
  columns: number,
  about: string,
): readonly Fact[] {
  const [first, last] = [losses[0], losses.at(-1)];
  if (first === undefined || last === undefined) return [["loss", `no step was left to do after ${resumedSteps}`]];
  const before = resumedSteps === 0 ? "" : ` after ${resumedSteps} before`;
  return [
    ["loss", lossLine(losses, columns - 13)],
    ["", `${first.toFixed(4)} to ${last.toFixed(4)} in ${losses.length} steps${before}, ${about}`],
    ["", `lr ${fromTo(learningRates)}${gradNorms.length > 0 ? `, grad norm ${fromTo(gradNorms)}` : ""}`],
  ];
}

/** "0.5 to 0.1", or one of them when both are the same. */
function fromTo(numbers: readonly number[]): string {
  const [first, last] = [significant(numbers[0]!), significant(numbers.at(-1)!)];
  return first === last ? first : `${first} to ${last}`;
}

async function planModel(
  { env, signal }: Context,
  progress: Progress,
  path: string,
  directory: string,
  given: FlagValues,
): Promise<Plan> {
  const { model, flags } = await readModel(env, progress, path, given);
  const { plan } = await makePlan(env, progress, model, flags, directory, signal);
  return plan;
}
