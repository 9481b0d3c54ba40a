/**
 * @file A plan for PyTorch: its stages as ONNX files, its schedule as CSV, and a program that trains them with
 * torch.distributed.pipelining. PyTorch sends to the next stage only, so tensors that skip stages are handed on by those
 * between; gradients are PyTorch's own.
 */
import { fileURLToPath } from "node:url";
import { PipewrightError } from "../../compiler/errors.js";
import type { DType } from "../../compiler/ir/graph.js";
import { isFloat } from "../../compiler/ir/literal.js";
import { encodeModel } from "../../compiler/onnx/codec.js";
import type { ModelLimits } from "../../compiler/onnx/limits.js";
import { DEFAULT_LIMITS } from "../../compiler/onnx/limits.js";
import type { ModelProto } from "../../compiler/onnx/proto.js";
import type { Plan } from "../../compiler/plan/plan.js";
import { resultIn } from "../../compiler/plan/result-port.js";
import { planSchedule } from "../../compiler/plan/replay.js";
import { writeTorchCsv } from "../../compiler/schedule/torch.js";
import type { Env } from "../env/env.js";
import { readPlainFile } from "../plain-file.js";
import { PLAN_FILES } from "../plan/directory.js";
import { readStageGraph } from "../plan/stage-graph.js";
import { borrow } from "./borrowed-nodes.js";
import type { Crossing } from "./crossings.js";
import { crossingsOf, forwardOf } from "./crossings.js";

/** Programs that are copied as they are. */
const OPERATORS_FILE = "onnx_operators.py";
const SCRIPTS = ["train.py", "onnx_stage.py", OPERATORS_FILE];
/** A key of its table of operators. */
const OPERATOR = /^ {4}"(\w+)": /gm;

/** What was written. */
export interface TorchExport {
  /** Files by their paths in the directory. */
  readonly files: readonly string[];
  /** Tensors that stages hand on for others. */
  readonly relayed: readonly string[];
}

/**
 * Writes the directory, at once or not at all. Requires: `plan` was read from `directory`.
 * @throws FILE; SCHEDULE_INVALID or MODEL_UNSUPPORTED with every reason why PyTorch cannot run it.
 */
export async function exportTorch(
  env: Env,
  directory: string,
  plan: Plan,
  out: string,
  limits: ModelLimits = DEFAULT_LIMITS,
): Promise<TorchExport> {
  const { files } = env;
  const scripts = new Map<string, Uint8Array>();
  for (const name of SCRIPTS)
    scripts.set(name, await files.read(fileURLToPath(new URL(`python/${name}`, import.meta.url))));
  const csv = writeTorchCsv(planSchedule(plan), { form: "compute_only" });
  const models: ModelProto[] = [];
  for (const stage of plan.stages) models.push(await readStageGraph(files, directory, forwardOf(stage).file, limits));
  const crossings = crossingsOf(plan);
  const borrowed = borrow(plan, crossings, models);
  const known = new Set(
    [...new TextDecoder().decode(scripts.get(OPERATORS_FILE)).matchAll(OPERATOR)].map(([, op]) => op!),
  );
  const sent = crossings.filter(({ name, dtype }) => isFloat(dtype) || borrowed.carried.has(name));
  refuse([...planReasons(plan, sent), ...operatorReasons(models, known)]);
  const stages = plan.stages.map((_, stage) => {
    const about = describeStage(plan, sent, stage);
    return { ...about, inputs: [...new Set([...about.inputs, ...borrowed.inputs[stage]!])] };
  });
  const pipeline = {
    version: 1,
    ranks: plan.devices.length,
    microbatches: plan.microbatches,
    schedule: plan.schedule.name,
    optimizer: plan.optimizer,
    inputs: plan.inputs.map(({ name, dtype, shape, below, batchAxis = null }) => ({
      name,
      dtype,
      shape,
      below,
      batchAxis,
    })),
    shared: plan.parameters
      .filter(({ trainable, readers }) => trainable && readers.length > 0)
      .map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    stages,
  };
  const names = [
    ...SCRIPTS,
    "pipeline.json",
    PLAN_FILES.schedule,
    PLAN_FILES.weights,
    ...stages.map(({ file }) => file),
  ];
  await files.writeDirectoryAtomic(out, async (temporary) => {
    await files.makeDirectory(`${temporary}/stages`);
    for (const [name, bytes] of scripts) await files.writeAtomic(`${temporary}/${name}`, bytes);
    await files.writeAtomic(`${temporary}/pipeline.json`, `${JSON.stringify(pipeline, undefined, 1)}\n`);
    await files.writeAtomic(`${temporary}/${PLAN_FILES.schedule}`, csv);
    await files.writeAtomic(
      `${temporary}/${PLAN_FILES.weights}`,
      await readPlainFile(files, directory, PLAN_FILES.weights),
    );
    for (const [stage, { file, sends, loss }] of stages.entries()) {
      const results = loss === undefined ? sends.map(({ name }) => name) : [loss];
      await files.writeAtomic(`${temporary}/${file}`, encodeModel(withResults(borrowed.models[stage]!, results)));
    }
  });
  const relayed = sent.filter(({ producer, reader }) => reader > producer + 1).map(({ name }) => name);
  return { files: names, relayed };
}

/** PyTorch sends tensors that have a gradient: truth values and whole numbers below 2^53 go as numbers that hold them. */
function carriage(holds: DType): { readonly dtype: DType; readonly holds: DType } {
  return { dtype: holds === "bool" ? "float32" : "float64", holds };
}

function describeStage(plan: Plan, crossings: readonly Crossing[], stage: number) {
  const over = (boundary: number) =>
    crossings
      .filter(({ producer, reader }) => producer <= boundary && boundary < reader)
      .map(({ name, dtype, shape }) => (isFloat(dtype) ? { name, dtype, shape } : { name, shape, ...carriage(dtype) }));
  const forward = forwardOf(plan.stages[stage]!);
  const parameters = forward.inputs.flatMap(({ at, tensor }) => {
    const parameter = at === "param" ? plan.parameters.find(({ name }) => name === tensor) : undefined;
    if (!parameter) return [];
    const { trainable, shape, dtype, fill } = parameter;
    return [[tensor, { trainable, shape, dtype, ...(fill === undefined ? {} : { fill }) }] as const];
  });
  const states = forward.outputs.flatMap((port) => (port.at === "param" ? [[port.param, port.tensor] as const] : []));
  const loss = forward.outputs.find((port) => resultIn(port) === plan.results[0]!.name);
  return {
    index: stage,
    rank: plan.stages[stage]!.device,
    file: `stages/${stage}.onnx`,
    receives: over(stage - 1),
    sends: over(stage),
    inputs: forward.inputs.filter(({ at }) => at === "input").map(({ tensor }) => tensor),
    parameters: Object.fromEntries(parameters),
    states: Object.fromEntries(states),
    ...(stage === plan.stages.length - 1 ? { loss: loss!.tensor } : {}),
  };
}

/** The forward graph with nothing but these results. Relayed tensors and inputs are no results of the graph. */
function withResults(model: ModelProto, names: readonly string[]): ModelProto {
  const graph = model.graph!;
  const made = new Set((graph.node ?? []).flatMap(({ output = [] }) => output));
  return {
    ...model,
    graph: { ...graph, output: (graph.output ?? []).filter(({ name }) => names.includes(name) && made.has(name)) },
  };
}

/** Why PyTorch cannot run the plan, whatever its operators are. */
function planReasons(plan: Plan, sent: readonly Crossing[]): readonly string[] {
  const { optimizer, stages } = plan;
  const reasons: string[] = [];
  for (const { index } of stages.slice(1))
    if (!sent.some(({ producer, reader }) => producer < index && index <= reader))
      reasons.push(`nothing that goes from stage ${index - 1} to stage ${index}`);
  if (optimizer.schedule || optimizer.groups || optimizer.clipNorm !== undefined)
    reasons.push("a learning-rate schedule, groups of parameters or clipped gradients; write them into train.py");
  return reasons;
}

/** Operators that onnx_operators.py lacks, with a node of each. */
function operatorReasons(models: readonly ModelProto[], known: ReadonlySet<string>): readonly string[] {
  const missing = new Map<string, string>();
  for (const { graph } of models)
    for (const { op_type: op, name = "" } of graph?.node ?? [])
      if (!known.has(op) && !missing.has(op)) missing.set(op, name);
  return [...missing].map(([op, node]) => `operator ${op}${node === "" ? "" : ` (node ${node})`}`);
}

function refuse(reasons: readonly string[]): void {
  if (reasons.length === 0) return;
  throw new PipewrightError(
    "MODEL_UNSUPPORTED",
    `export --target torch: the program for PyTorch cannot run this plan; got ${reasons.join("; ")}. Make another plan, or use --target onnx.`,
    { reasons },
  );
}
