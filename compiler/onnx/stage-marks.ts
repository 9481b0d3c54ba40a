/**
 * @file Writes the stage of every node into a model file, where ONNX has a place for it since IR version 11:
 * `NodeProto.device_configurations[].pipeline_stage`, with one `ModelProto.configuration` that names the devices.
 */
import { invariant } from "../errors.js";
import type { ModelProto, NodeProto } from "./proto.js";
import { changed, numberOf } from "./proto.js";

/** Name of the configuration that the marks belong to. */
const CONFIGURATION = "pipewright";
/** First IR version with device configurations. */
const LEAST_IR_VERSION = 11;

/** Stage by the name of a tensor that a node of the stage makes. */
export type TensorStages = ReadonlyMap<string, number>;

/**
 * The model with a stage on every node of its graph. A node whose outputs `stageOf` does not know was folded or split
 * up on the way to the plan: it gets the stage of its first reader, or of its last maker when nobody reads it.
 *
 * Requires: nodes in topological order.
 * Ensures: weights, names and unknown fields stay; marks of other configurations too.
 */
export function markStages(model: ModelProto, stageOf: TensorStages, devices: readonly string[]): ModelProto {
  const { graph } = model;
  invariant(graph, "a decoded model has a graph");
  const nodes = graph.node ?? [];
  const stages = stagesOfNodes(nodes, stageOf);
  const node = nodes.map((own, at) =>
    changed(own, {
      device_configurations: [
        ...(own.device_configurations ?? []).filter(({ configuration_id }) => configuration_id !== CONFIGURATION),
        { configuration_id: CONFIGURATION, pipeline_stage: stages[at]! },
      ],
    }),
  );
  const others = (model.configuration ?? []).filter(({ name }) => name !== CONFIGURATION);
  return changed(model, {
    ir_version: Math.max(LEAST_IR_VERSION, numberOf(model.ir_version)),
    graph: changed(graph, { node }),
    configuration: [...others, { name: CONFIGURATION, num_devices: devices.length, device: devices }],
  });
}

function stagesOfNodes(nodes: readonly NodeProto[], stageOf: TensorStages): readonly number[] {
  const known = nodes.map(({ output = [] }) => {
    const own = output.flatMap((name) => stageOf.get(name) ?? []);
    return own.length > 0 ? Math.max(...own) : undefined;
  });
  const firstReader = new Map<string, number>();
  const stages = [...known];
  for (let at = nodes.length - 1; at >= 0; at--) {
    const { input = [], output = [] } = nodes[at]!;
    const readers = output.flatMap((name) => firstReader.get(name) ?? []);
    stages[at] ??= readers.length > 0 ? Math.min(...readers) : undefined;
    const own = stages[at];
    if (own === undefined) continue;
    for (const name of input) firstReader.set(name, Math.min(own, firstReader.get(name) ?? own));
  }
  const makers = new Map<string, number>();
  return nodes.map(({ input = [], output = [] }, at) => {
    const stage = stages[at] ?? Math.max(0, ...input.map((name) => makers.get(name) ?? 0));
    for (const name of output) makers.set(name, stage);
    return stage;
  });
}
