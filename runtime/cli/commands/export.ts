/** @file `export`: a plan as files for other tools. */
import { PipewrightError } from "../../../compiler/errors.js";
import { exportOnnx } from "../../export-onnx.js";
import { PLAN_FILES, readPlan } from "../../plan/directory.js";
import type { CommandBody } from "../command.js";

/** Requires: the argument is a plan directory. */
export const exportPlan: CommandBody = async ({ env }, directory, { target, out }) => {
  if (target === undefined) {
    throw new PipewrightError("USAGE", "--target: it is missing; expected onnx. Say what the files are for.");
  }
  const plan = await readPlan(env, directory);
  const path = out ?? `${directory.replace(/\/+$/, "")}.${target}`;
  if ((await env.files.exists(path)) && (await env.files.list(path)).length > 0) {
    throw new PipewrightError("USAGE", `-o ${path}: the directory holds other files. Name another directory.`);
  }
  const { files, nodes } = await exportOnnx(env, directory, plan, path);
  const shares = nodes.map((count, stage) => `${count} on stage ${stage}`).join(", ");
  return {
    json: { plan: directory, target, out: path, files, nodes },
    text: `wrote ${path}/${PLAN_FILES.model}, its nodes marked with pipeline_stage: ${shares}\nwrote ${path}/stages/: ${files.length - 1} graphs\nnext: open ${path}/${PLAN_FILES.model} in Netron\n`,
  };
};
