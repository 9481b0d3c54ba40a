/** @file `export`: a plan as files for other tools. */
import { plainName } from "../../../compiler/names.js";
import { PipewrightError } from "../../../compiler/errors.js";
import { exportOnnx } from "../../export-onnx.js";
import type { ModelLimits } from "../../../compiler/onnx/limits.js";
import type { Plan } from "../../../compiler/plan/plan.js";
import { PLAN_FILES, readPlan } from "../../plan/directory.js";
import { exportTorch } from "../../torch-export/export-torch.js";
import type { CommandBody, Context, Outcome } from "../command.js";
import { limitsOf } from "../read-model.js";
import type { Fact } from "../render/table.js";
import { renderFacts } from "../render/table.js";

/** Requires: the argument is a plan directory. */
export const exportPlan: CommandBody = async ({ env, columns }, directory, flags) => {
  const { target, out } = flags;
  if (target === undefined) {
    throw new PipewrightError("USAGE", "--target: it is missing; expected onnx or torch. Say what the files are for.");
  }
  const limits = limitsOf(flags);
  const plan = await readPlan(env, directory, limits);
  const path = out ?? `${directory.replace(/\/+$/, "")}.${target}`;
  if ((await env.files.exists(path)) && (await env.files.list(path)).length > 0) {
    throw new PipewrightError("USAGE", `-o ${path}: the directory holds other files. Name another directory.`);
  }
  if (target === "torch") return exportForTorch({ env, columns }, directory, plan, path, limits);
  const { files, nodes } = await exportOnnx(env, directory, plan, path, limits);
  const shares = nodes.map((count, stage) => `${count} on stage ${stage}`).join(", ");
  return {
    json: { plan: directory, target, out: path, files, nodes },
    text: renderFacts(
      [
        ["wrote", `${path}/${PLAN_FILES.model}, its nodes marked with pipeline_stage: ${shares}`],
        ["wrote", `${path}/stages/: ${files.length - 1} graphs`],
        ["next", `open ${path}/${PLAN_FILES.model} in Netron`],
      ],
      columns,
    ),
  };
};

async function exportForTorch(
  { env, columns }: Pick<Context, "env" | "columns">,
  directory: string,
  plan: Plan,
  path: string,
  limits: ModelLimits,
): Promise<Outcome> {
  const { files, relayed } = await exportTorch(env, directory, plan, path, limits);
  const facts: readonly Fact[] = [
    ["wrote", `${path}/: ${files.join(", ")}`],
    ...(relayed.length === 0
      ? []
      : [["handed on", `by stages between: ${relayed.map(plainName).join(", ")}`] as const]),
  ];
  return {
    json: { plan: directory, target: "torch", out: path, files, relayed },
    text: `${renderFacts(facts, columns)}next: torchrun --nproc-per-node ${plan.devices.length} ${path}/train.py --steps 10\n`,
  };
}
