/** @file The update graphs of all stages as files. */
import { decodeModel, encodeModel } from "../onnx/codec.js";
import { exportGraph } from "../onnx/export.js";
import type { ValueInfoProto } from "../onnx/proto.js";
import { changed } from "../onnx/proto.js";
import type { OpTable } from "../ops/define.js";
import { arenaGeometry } from "../plan/arena.js";
import type { Plan } from "../plan/plan.js";
import { updateGraph } from "./update.js";

/**
 * One ONNX file for each stage that has trained parameters, by relative path: for the slabs of its arena on a CPU, for
 * parameters of any shape on another device.
 */
export function updatePrograms(
  plan: Pick<Plan, "stages" | "devices" | "parameters" | "optimizer">,
  ops: OpTable,
): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const { index, device, update } of plan.stages) {
    if (!update) continue;
    const trained = plan.parameters.filter(({ stage, trainable }) => trainable && stage === index);
    const { slabElements } = arenaGeometry(trained);
    const slabs = exportGraph(updateGraph(plan.optimizer, [slabElements], ops));
    files.set(update.file, plan.devices[device]!.kind === "cpu" ? slabs : withoutShapes(slabs));
  }
  return files;
}

/** The same graph for tensors of any shape; the scalars keep theirs. */
function withoutShapes(bytes: Uint8Array): Uint8Array {
  const model = decodeModel(bytes);
  const graph = model.graph!;
  const open = (value: ValueInfoProto): ValueInfoProto => {
    const { elem_type: elementType, shape } = value.type!.tensor_type!;
    if ((shape?.dim ?? []).length === 0) return value;
    return { name: value.name, type: { tensor_type: { elem_type: elementType } } };
  };
  const input = graph.input!.map(open);
  const output = graph.output!.map(open);
  return encodeModel(changed(model, { graph: changed(graph, { input, output }) }));
}
