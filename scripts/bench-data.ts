/**
 * @file A slow reader of samples: what of it a step waits for, and what reading ahead hides. An MLP trains on two
 * devices from a user's module that sleeps before each step's samples, for several shares of the step's own time.
 * Usage: npm run -s bench:data -- [--json] [--prefetch N] [--steps N]
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { localCluster } from "../compiler/cluster.js";
import { compile } from "../compiler/compile.js";
import { parseLoss } from "../compiler/loss/spec.js";
import { ADAMW } from "../compiler/optimizer/adamw.js";
import { modelFile } from "../models/file.js";
import { mlpLesson } from "../models/lesson.js";
import { nodeEnv } from "../runtime/env/node.js";
import { median } from "../runtime/median.js";
import { loadWeights, modelOf } from "../runtime/model-file.js";
import { writePlan } from "../runtime/plan/directory.js";
import { openInProcess } from "../runtime/sample-reader.js";
import { DEFAULT_PREFETCH, train } from "../runtime/train.js";

const SIZES = { batch: 32, inputs: 512, widths: [1024, 1024, 1024], classes: 16 };
const MICROBATCHES = 8;
/** Steps in which memory is touched for the first time and the queue fills. */
const WARM_UP = 4;
/** Time that the reader takes, as a share of the step. */
const SHARES = [0, 0.5, 0.8, 1.5, 3];

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    prefetch: { type: "string", default: String(DEFAULT_PREFETCH) },
    steps: { type: "string", default: "40" },
  },
});
const [prefetch, steps] = [Number(values.prefetch), WARM_UP + Number(values.steps)];

const env = nodeEnv();
const folder = await env.files.temporaryDirectory();
const lesson = mlpLesson(SIZES);
const model = modelOf(modelFile(lesson.built), "mlp");
const weights = await loadWeights(env, model);
const compiled = await compile(model, {
  cluster: localCluster(2),
  pipeline: { schedule: "1f1b", microbatches: MICROBATCHES },
  training: { loss: [parseLoss(lesson.loss)] },
  optimizer: ADAMW,
  partition: { model: "direct", solver: undefined },
  profile: "analytic",
});
const plan = await writePlan(env, `${folder}/plan`, { ...compiled, weights, model: model.bytes });

/** Medians of a run whose reader takes `readMs` for the samples of a step. */
async function run(readMs: number) {
  const source = `${folder}/read-${readMs}.mjs`;
  writeFileSync(source, moduleText(readMs));
  const inputs = plan.inputs.map(({ name, dtype, shape, batchAxis }) => ({ name, dtype, shape, ...axis(batchAxis) }));
  const dataset = await openInProcess(
    env,
    { source, inputs, seed: 1, shuffle: false, microbatches: MICROBATCHES },
    prefetch,
  );
  const times: { readonly ms: number; readonly dataMs: number }[] = [];
  try {
    for await (const { ms, dataMs } of train(env, `${folder}/plan`, plan, { dataset, steps, prefetch }))
      times.push({ ms, dataMs });
  } finally {
    await dataset.close();
  }
  const counted = times.slice(WARM_UP);
  return { readMs, stepMs: median(counted.map(({ ms }) => ms)), waitMs: median(counted.map(({ dataMs }) => dataMs)) };
}

function axis(batchAxis: number | undefined): { readonly batchAxis?: number } {
  return batchAxis === undefined ? {} : { batchAxis };
}

/** Sleeps before the first sample of each step. */
function moduleText(readMs: number): string {
  const samples = SIZES.batch * MICROBATCHES;
  return `export default async function* () {
  const x = new Float32Array(${SIZES.inputs}).fill(0.1);
  for (let at = 0; at < ${samples * steps}; at++) {
    if (${readMs} > 0 && at % ${samples} === 0) await new Promise((resolve) => setTimeout(resolve, ${readMs}));
    yield { x, labels: at % ${SIZES.classes} };
  }
}`;
}

try {
  const alone = await run(0);
  const runs = [alone];
  for (const share of SHARES.slice(1)) runs.push(await run(Math.round(share * alone.stepMs)));
  if (values.json) console.log(JSON.stringify({ prefetch, steps: steps - WARM_UP, runs }, undefined, 1));
  else
    for (const { readMs, stepMs, waitMs } of runs)
      console.log(
        `reading ${readMs} ms a step: a step takes ${stepMs.toFixed(1)} ms and waits ${waitMs.toFixed(1)} ms for it`,
      );
} finally {
  await env.files.remove(folder);
}
