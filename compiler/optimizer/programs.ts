/** @file The update graphs of all stages as files. */
import { exportGraph } from "../onnx/export.js";
import type { OpTable } from "../ops/define.js";
import { arenaGeometry } from "../plan/arena.js";
import type { Plan } from "../plan/plan.js";
import { updateGraph } from "./update.js";

/** One ONNX file for each stage that has trained parameters, by relative path. */
export function updatePrograms(
  plan: Pick<Plan, "stages" | "parameters" | "optimizer">,
  ops: OpTable,
): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const { index, update } of plan.stages) {
    if (!update) continue;
    const trained = plan.parameters.filter(({ stage, trainable }) => trainable && stage === index);
    const { slabElements } = arenaGeometry(trained);
    files.set(update.file, exportGraph(updateGraph(plan.optimizer, slabElements, ops)));
  }
  return files;
}
