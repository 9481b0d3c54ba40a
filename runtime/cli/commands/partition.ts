/** @file `partition`: a model and devices in, a plan directory out. */
import { loadModel } from "../../model-file.js";
import type { CommandBody } from "../command.js";
import { partitionJson } from "../plan-json.js";
import { makePlan, PLANNING_PHASES } from "../planning.js";
import { planSummary, stageTable } from "../render/plan.js";

/** `model.onnx` becomes `model.plan` unless `-o` says otherwise. */
export function planDirectory(modelPath: string): string {
  return `${modelPath.replace(/\.onnx$/, "")}.plan`;
}

export const partition: CommandBody = async (context, path, flags) => {
  const progress = context.progress(["read", ...PLANNING_PHASES]);
  progress.begin("read");
  const model = await loadModel(context.env, path, Object.fromEntries(flags.bind ?? []));
  progress.end(`${model.graph.nodes.length} nodes`);
  const planned = await makePlan(context.env, progress, model, flags, flags.out ?? planDirectory(path));
  const { plan, directory } = planned;
  const text = [
    stageTable(plan, context.columns),
    planSummary(plan),
    `next: pipewright train ${directory} --data synthetic --steps 10`,
    "",
  ].join("\n");
  return { json: partitionJson(planned), text };
};
