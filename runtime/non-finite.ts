/**
 * @file Where a loss or gradient that is NaN or infinite comes from. For a loss the microbatch is run once more in this
 * thread, with every tensor of every stage looked at, in the order of the data flow.
 */
import { invariant, PipewrightError } from "../compiler/errors.js";
import type { DType } from "../compiler/ir/graph.js";
import { isHalf, widened } from "../compiler/ir/half.js";
import type { Plan, PlanStage, Port } from "../compiler/plan/plan.js";
import type { StoredTensor } from "../compiler/plan/safetensors.js";
import { engineFor } from "./engine/registry.js";
import { runOnce } from "./engine/run-once.js";
import type { Env } from "./env/env.js";
import { exposed } from "./exposed-program.js";
import { readPlainFile } from "./plain-file.js";
import type { Batch, Pipeline } from "./pipeline.js";

/** A step whose loss is not finite. */
export interface BadStep {
  /** Counts from 1. */
  readonly step: number;
  /** Of each microbatch. */
  readonly losses: readonly number[];
  readonly batch: Batch;
}

/** The first tensor that is not finite. */
interface Culprit {
  readonly tensor: string;
  readonly stage: number;
  /** What it is, as the end of "… holds NaN": "the data", "a parameter", "the output of Log (node loss/log)". */
  readonly what: string;
  readonly value: number;
  readonly advice: string;
}

/**
 * The error for a step with a loss that is not finite, with the first tensor and stage where that appeared.
 * Requires: the step updated nothing (see RowRun.finish), so `pipeline` holds the parameters that it began with.
 */
export async function explainNotFinite(
  env: Env,
  directory: string,
  pipeline: Pipeline,
  { step, losses, batch }: BadStep,
): Promise<PipewrightError> {
  const microbatch = losses.findIndex((loss) => !Number.isFinite(loss));
  const found =
    culpritInData(pipeline.plan, batch, microbatch) ??
    culpritInParameters(pipeline, step) ??
    (await culpritInForward(env, directory, pipeline, batch, microbatch));
  const head = `step ${step}: the loss of microbatch ${microbatch} is ${losses[microbatch]}`;
  if (!found) {
    const message = `${head}; run again on a CPU, all its tensors are finite. Lower the learning rate, or check the device.`;
    return new PipewrightError("LOSS_NOT_FINITE", message, { step, microbatch });
  }
  const { tensor, stage, what, value, advice } = found;
  return new PipewrightError(
    "LOSS_NOT_FINITE",
    `${head}; the first ${value} is in ${JSON.stringify(tensor)} of stage ${stage}, ${what}. ${advice}`,
    { step, microbatch, tensor, stage },
  );
}

/**
 * The error for a step whose losses are finite and whose gradients are not. Requires: the plan clips gradients; the step
 * updated nothing.
 */
export function explainGradientNotFinite(pipeline: Pipeline, step: number, loss: number): PipewrightError {
  const found = pipeline.gradientNotFinite;
  invariant(found, "the norm of finite gradients is not finite");
  const { name: tensor, stage } = found;
  return new PipewrightError(
    "LOSS_NOT_FINITE",
    `step ${step}: the loss is ${loss}, but the gradient of ${JSON.stringify(tensor)} (stage ${stage}) holds NaN or infinity. Lower the learning rate, or check the model where it divides or takes roots.`,
    { step, tensor, stage },
  );
}

function culpritInData({ inputs }: Plan, batch: Batch, microbatch: number): Culprit | undefined {
  for (const { name, dtype, stages, batchAxis } of inputs) {
    const value = firstNotFinite(dtype, batch.get(name)![batchAxis === undefined ? 0 : microbatch]!);
    if (value !== undefined)
      return { tensor: name, stage: stages[0] ?? 0, what: "which the data bring", value, advice: "Check the data." };
  }
  return undefined;
}

function culpritInParameters(pipeline: Pipeline, step: number): Culprit | undefined {
  const before = step === 1 ? "which starts so" : `which the update of step ${step - 1} made so`;
  for (const { name, dtype, stage } of pipeline.plan.parameters) {
    const value = firstNotFinite(dtype, pipeline.parameter(name));
    if (value !== undefined) {
      const advice = step === 1 ? "Check the model's weights." : "Lower the learning rate.";
      return { tensor: name, stage, what: before, value, advice };
    }
  }
  return undefined;
}

async function culpritInForward(
  env: Env,
  directory: string,
  pipeline: Pipeline,
  batch: Batch,
  microbatch: number,
): Promise<Culprit | undefined> {
  const { plan } = pipeline;
  const known = new Map<string, StoredTensor>();
  const engine = engineFor({ kind: "cpu" });
  try {
    for (const stage of plan.stages) {
      const program = stage.programs.find(({ kind }) => kind === "forward");
      if (!program) continue;
      const read = exposed(await readPlainFile(env.files, directory, program.file));
      const inputs = new Map(
        program.inputs.map((port) => [port.tensor, tensorAt(port, pipeline, batch, microbatch, known)]),
      );
      const made = runOnce(engine, read.model, inputs, read.outputs);
      for (const { tensor, node, op } of read.made) {
        const stored = made.get(tensor);
        const value = stored && firstNotFinite(stored.dtype, stored.bytes);
        if (value !== undefined) return culpritAt(stage, { tensor, node, op, value });
      }
      for (const [name, stored] of made) known.set(name, stored);
    }
  } finally {
    engine.close();
  }
  return undefined;
}

function culpritAt(
  { index }: PlanStage,
  { tensor, node, op, value }: { tensor: string; node: string; op: string; value: number },
): Culprit {
  const what = `which ${op} (node ${JSON.stringify(node)}) makes of finite inputs`;
  return { tensor, stage: index, what, value, advice: "Lower the learning rate, or check the data." };
}

/** What a forward program reads. */
function tensorAt(
  port: Port,
  pipeline: Pipeline,
  batch: Batch,
  microbatch: number,
  known: ReadonlyMap<string, StoredTensor>,
): StoredTensor {
  const { inputs, parameters } = pipeline.plan;
  if (port.at === "param") {
    const { dtype, shape } = parameters.find(({ name }) => name === port.param)!;
    return { dtype, shape, bytes: pipeline.parameter(port.param) };
  }
  if (port.at === "input") {
    const { name, dtype, shape, batchAxis } = inputs.find((input) => input.name === port.tensor)!;
    return { dtype, shape, bytes: batch.get(name)![batchAxis === undefined ? 0 : microbatch]! };
  }
  const made = known.get(port.tensor);
  invariant(made, `no stage before made ${port.tensor}`);
  return made;
}

/** The first NaN or infinity among the elements; undefined: all are finite, or they are integers. */
export function firstNotFinite(dtype: DType, bytes: Uint8Array): number | undefined {
  const { buffer } = bytes.slice();
  if (dtype === "float32") return new Float32Array(buffer).find((value) => !Number.isFinite(value));
  if (dtype === "float64") return new Float64Array(buffer).find((value) => !Number.isFinite(value));
  if (!isHalf(dtype)) return undefined;
  return widened(new Uint16Array(buffer), dtype).find((value) => !Number.isFinite(value));
}
