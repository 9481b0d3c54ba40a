/** @file A plan as ONNX files for other tools: the model with a stage on every node, and every stage's graphs. */
import { encodeModel } from "../compiler/onnx/codec.js";
import type { ModelLimits } from "../compiler/onnx/limits.js";
import { DEFAULT_LIMITS } from "../compiler/onnx/limits.js";
import { markStages } from "../compiler/onnx/stage-marks.js";
import type { Plan } from "../compiler/plan/plan.js";
import type { Env } from "./env/env.js";
import { readPlainFile } from "./plain-file.js";
import { PLAN_FILES } from "./plan/directory.js";
import { loadPlanModel } from "./plan/plan-model.js";
import { readStageGraph } from "./plan/stage-graph.js";

/** What was written. */
export interface OnnxExport {
  /** Files by their paths in the directory. */
  readonly files: readonly string[];
  /** Nodes of the model on each stage. */
  readonly nodes: readonly number[];
}

/**
 * Writes `model.onnx` and `stages/…` into a directory, at once or not at all.
 * Requires: `plan` was read from `directory`. @throws FILE; what `loadPlanModel` throws.
 */
export async function exportOnnx(
  env: Env,
  directory: string,
  plan: Plan,
  out: string,
  limits: ModelLimits = DEFAULT_LIMITS,
): Promise<OnnxExport> {
  const { files } = env;
  const stageOf = new Map<string, number>();
  for (const { index, programs } of plan.stages) {
    const forward = programs.find(({ kind }) => kind === "forward");
    if (!forward) continue;
    const { graph } = await readStageGraph(files, directory, forward.file, limits);
    for (const { output = [] } of graph?.node ?? []) for (const name of output) stageOf.set(name, index);
  }
  const { proto } = await loadPlanModel(files, directory, plan, limits);
  const devices = plan.devices.map(({ name }) => name);
  const marked = markStages(proto, stageOf, devices);
  const programs = Object.keys(plan.files).filter((name) => name.startsWith("stages/"));
  await files.writeDirectoryAtomic(out, async (temporary) => {
    await files.makeDirectory(`${temporary}/stages`);
    await files.writeAtomic(`${temporary}/${PLAN_FILES.model}`, encodeModel(marked));
    for (const name of programs)
      await files.writeAtomic(`${temporary}/${name}`, await readPlainFile(files, directory, name));
  });
  const nodes = plan.stages.map(() => 0);
  for (const { device_configurations = [] } of marked.graph?.node ?? []) {
    const stage = device_configurations.at(-1)?.pipeline_stage ?? 0;
    nodes[stage]!++;
  }
  return { files: [PLAN_FILES.model, ...programs], nodes };
}
