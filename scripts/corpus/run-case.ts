/** @file Runs one case of the corpus through the whole product: import, compile, plan on disk, training. */
import { localCluster } from "../../compiler/cluster.js";
import { compile } from "../../compiler/compile.js";
import type { OptimizerSpec, Plan } from "../../compiler/plan/plan.js";
import type { Tensors } from "../../compiler/plan/safetensors.js";
import type { Env } from "../../runtime/env/env.js";
import { loadWeights, modelOf } from "../../runtime/model-file.js";
import type { Batch } from "../../runtime/pipeline.js";
import { Pipeline } from "../../runtime/pipeline.js";
import { readWeights, writePlan } from "../../runtime/plan/directory.js";
import type { CorpusCase, Tolerance } from "./case.js";
import { bindOf, cutAlong, lossOf, optimizerOf, tensorAt } from "./case.js";
import type { Comparison } from "./compare.js";
import { isWithin, numbersOf, relativeError } from "./compare.js";
import { MOVED_STARTS, movedByOneUlp } from "./moved-weights.js";

const PLAIN_SGD: OptimizerSpec = { kind: "sgd", learningRate: 0, momentum: 0, weightDecay: 0 };

/** Everything compares within this of the largest magnitude, or within some multiple of what torch in float32 strays. */
const FLOOR = 1e-5;
const TORCH_MULTIPLE = 20;

type Curve = CorpusCase["about"]["curves"][number];

/** A running pipeline of the case. */
interface Started {
  readonly plan: Plan;
  readonly pipeline: Pipeline;
  /** The weights of the file. */
  readonly weights: Tensors;
}

/**
 * All comparisons of a case on `stages` stages: loss, outputs, gradients and input gradients of one microbatch, at the
 * second shape too where there is one, and both training curves.
 */
export async function runCase(env: Env, subject: CorpusCase, stages: number): Promise<readonly Comparison[]> {
  const results = await checkStep(env, subject, stages, "");
  const second = subject.about.alternative ? await checkStep(env, subject, stages, "alt.") : [];
  const curves = [];
  for (const curve of subject.about.curves) curves.push(...(await checkCurve(env, subject, stages, curve)));
  return [...results, ...second, ...curves];
}

async function start<T>(
  env: Env,
  subject: CorpusCase,
  prefix: string,
  options: { stages: number; microbatches: number; optimizer: OptimizerSpec; withOutputs: boolean },
  use: (started: Started) => Promise<T>,
): Promise<T> {
  const { about } = subject;
  const model = modelOf(subject.model, subject.name, bindOf(subject, prefix));
  const batchAxes = new Map(
    Object.entries({ ...about.inputs, ...about.targets }).map(([name, { batch_axis: axis }]) => [name, axis] as const),
  );
  const compiled = await compile(
    { ...model, batchAxes },
    {
      cluster: localCluster(options.stages),
      pipeline: { schedule: "1f1b", microbatches: options.microbatches },
      training: { loss: lossOf(about), trainable: about.trainable, withOutputs: options.withOutputs },
      optimizer: options.optimizer,
      partition: { model: "direct", solver: undefined },
      profile: "analytic",
    },
  );
  const directory = await env.files.temporaryDirectory();
  try {
    const weights = await loadWeights(env, model);
    const plan = await writePlan(env, `${directory}/plan`, { ...compiled, weights, model: model.bytes });
    const pipeline = await Pipeline.start(env, `${directory}/plan`, plan, "inline");
    try {
      const weights = await readWeights(env, `${directory}/plan`, plan);
      for (const [name, { bytes }] of weights) pipeline.writeParameter(name, bytes);
      return await use({ plan, pipeline, weights });
    } finally {
      await pipeline.close();
    }
  } finally {
    await env.files.remove(directory);
  }
}

async function checkStep(
  env: Env,
  subject: CorpusCase,
  stages: number,
  prefix: string,
): Promise<readonly Comparison[]> {
  const { about, reference } = subject;
  const options = { stages, microbatches: 1, optimizer: PLAIN_SGD, withOutputs: true };
  return start(env, subject, prefix, options, async ({ plan, pipeline }) => {
    const batch = stepFeeds(subject, plan, prefix);
    await pipeline.step(batch, undefined);
    const tolerance = prefix === "" ? about.tolerance : about.alternative!.tolerance;
    const compare = (name: string, bytes: Uint8Array, allowed: Tolerance): Comparison => {
      const wanted = tensorAt(reference, prefix + name);
      const scale = allowed.zero ? tolerance.grad_scale : allowed.max_abs;
      const error = relativeError(numbersOf({ ...wanted, bytes }), numbersOf(wanted), scale);
      return {
        name: prefix + name,
        error,
        limit: Math.max(FLOOR, TORCH_MULTIPLE * allowed.rel_dev * (allowed.zero ? 0 : 1)),
      };
    };
    const gradients = plan.parameters.filter(({ trainable }) => trainable);
    const missing = about.trainable.filter((name) => !gradients.some((param) => param.name === name));
    return [
      compare("loss", pipeline.result("loss")[0]!, tolerance.loss),
      ...Object.entries(tolerance.outputs)
        .filter(([name]) => plan.results.some((result) => result.name === name))
        .map(([name, allowed]) => compare(`output.${name}`, pipeline.result(name)[0]!, allowed)),
      ...gradients.map(({ name }) => compare(`grad.${name}`, pipeline.gradientSum(name), tolerance.grads[name]!)),
      ...missing.map((name) => absentGradient(subject, prefix, name)),
      ...Object.entries(tolerance.input_grads).map(([name, allowed]) =>
        compare(`input_grad.${name}`, pipeline.result(`${name}/grad`)[0]!, allowed),
      ),
    ];
  });
}

/** Inputs and targets of one microbatch. */
function stepFeeds({ about, reference }: CorpusCase, plan: Plan, prefix: string): Batch {
  return new Map(
    plan.inputs.map(({ name }) => {
      const kind = name in about.targets ? "target" : "input";
      return [name, [tensorAt(reference, `${prefix}${kind}.${name}`).bytes]];
    }),
  );
}

/** The gradient of every trained parameter for one microbatch, by name. */
export function caseGradients(env: Env, subject: CorpusCase, stages: number): Promise<ReadonlyMap<string, Uint8Array>> {
  const options = { stages, microbatches: 1, optimizer: PLAIN_SGD, withOutputs: false };
  return start(env, subject, "", options, async ({ plan, pipeline }) => {
    await pipeline.step(stepFeeds(subject, plan, ""), undefined);
    const trained = plan.parameters.filter(({ trainable }) => trainable);
    return new Map(trained.map(({ name }) => [name, pipeline.gradientSum(name).slice()]));
  });
}

/** Whether `stages` stages give the bits of one stage, for every gradient of one microbatch. */
export async function compareBits(env: Env, subject: CorpusCase, stages: number): Promise<readonly Comparison[]> {
  const one = await caseGradients(env, subject, 1);
  const several = await caseGradients(env, subject, stages);
  return [...one].map(([name, bytes]) => {
    const found = several.get(name);
    return { name: `bits of grad.${name}`, error: found && Buffer.compare(bytes, found) === 0 ? 0 : 1, limit: 0 };
  });
}

/** A parameter that the loss does not reach: right only if the reference gradient is zero everywhere. */
function absentGradient({ reference }: CorpusCase, prefix: string, name: string): Comparison {
  const wanted = numbersOf(tensorAt(reference, `${prefix}grad.${name}`));
  const zeros = new Float32Array(wanted.length);
  return { name: `${prefix}grad.${name} (absent)`, error: relativeError(zeros, wanted, 1), limit: 0 };
}

/** A curve against the reference, from the weights of the file, or where that misses, from weights one ulp away. */
async function checkCurve(env: Env, subject: CorpusCase, stages: number, curve: Curve): Promise<readonly Comparison[]> {
  const compared = async (seed?: number): Promise<readonly Comparison[]> => {
    const losses = await curveLosses(env, subject, stages, curve, seed);
    return curve.losses.map((wanted, step) => ({
      name: `${subject.name} ${curve.optimizer} step ${step}`,
      error: Math.abs(losses[step]! - wanted) / Math.abs(wanted),
      limit: Math.max(FLOOR, TORCH_MULTIPLE * curve.float32_rel_dev[step]!),
    }));
  };
  const plain = await compared();
  if (plain.every(isWithin)) return plain;
  for (let seed = 1; seed <= MOVED_STARTS; seed++) {
    const moved = await compared(seed);
    if (moved.every(isWithin)) return moved.map((comparison) => ({ ...comparison, isFromMovedWeights: true }));
  }
  return plain;
}

/** Losses before each update, from the weights of the file, or from weights moved by one ulp. */
function curveLosses(
  env: Env,
  subject: CorpusCase,
  stages: number,
  curve: Curve,
  seed?: number,
): Promise<readonly number[]> {
  const { reference } = subject;
  const { microbatches } = curve;
  const options = { stages, microbatches, optimizer: optimizerOf(curve), withOutputs: false };
  return start(env, subject, "", options, async ({ plan, pipeline, weights }) => {
    if (seed !== undefined) {
      for (const { name, dtype } of plan.parameters)
        if (dtype === "float32") pipeline.writeParameter(name, movedByOneUlp(weights.get(name)!.bytes, seed, name));
    }
    const batch: Batch = new Map(
      plan.inputs.map(({ name, batchAxis }) => {
        const whole = reference.get(`batch.${name}`) ?? tensorAt(reference, `input.${name}`);
        return [name, batchAxis === undefined ? [whole.bytes] : cutAlong(whole, batchAxis, microbatches)];
      }),
    );
    const losses: number[] = [];
    for (let step = 1; step <= curve.losses.length; step++) {
      const result = await pipeline.step(batch, { update: step });
      losses.push(result.losses.reduce((sum, value) => sum + value, 0) / microbatches);
    }
    return losses;
  });
}
