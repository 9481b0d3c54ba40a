/** @file `partition`: a model and devices in, a plan directory out. */
import type { CommandBody } from "../command.js";
import { partitionJson } from "../plan-json.js";
import { makePlan, PLANNING_PHASES } from "../planning.js";
import { readModel } from "../read-model.js";
import { planSummary, stageTable } from "../render/plan.js";
import { renderFacts } from "../render/table.js";
import { whyText } from "../render/why.js";

/**
 * `models/model.onnx` becomes `model.plan` beside the file `result`, or in the current folder. The folder of the model
 * may belong to somebody else.
 */
export function planDirectory(modelPath: string, result = ""): string {
  const folder = result.replace(/[^/\\]*$/, "");
  const name = modelPath.replace(/^.*[/\\]/, "").replace(/\.onnx$/, "");
  return `${folder}${name}.plan`;
}

export const partition: CommandBody = async (context, path, given) => {
  const progress = context.progress(["read", ...PLANNING_PHASES]);
  const { model, flags } = await readModel(context.env, progress, path, given);
  const planned = await makePlan(context.env, progress, model, flags, flags.out ?? planDirectory(path), context.signal);
  const { plan, directory } = planned;
  const text = [
    stageTable(plan, context.columns),
    planSummary(plan, context.columns),
    whyText(planned.why, context.columns),
    renderFacts(
      [
        ["wrote", `${directory}/: plan.json, schedule.csv, stages/, weights.safetensors`],
        ["next", `pipewright train ${directory} --data synthetic --steps 10`],
      ],
      context.columns,
    ),
  ].join("\n");
  return { json: partitionJson(planned), text };
};
