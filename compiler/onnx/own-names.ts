/** @file The names that the plan has, in the place of those that a stage graph has. */
import { ownName } from "../names.js";
import type { GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto } from "./proto.js";
import { changed } from "./proto.js";

/** A stage graph with the names that the plan has. Requires: no inner graphs. */
export function withOwnNames(model: ModelProto): ModelProto {
  return model.graph ? changed(model, { graph: withNames(model.graph) }) : model;
}

function withNames(graph: GraphProto): GraphProto {
  const { node = [], initializer = [], input = [], output = [] } = graph;
  const named = <T extends NodeProto | TensorProto | ValueInfoProto>(item: T): T =>
    changed<NodeProto | TensorProto | ValueInfoProto>(item, { name: ownName(item.name ?? "") }) as T;
  return changed(graph, {
    node: node.map((own) =>
      changed(named(own), { input: (own.input ?? []).map(ownName), output: (own.output ?? []).map(ownName) }),
    ),
    initializer: initializer.map(named),
    input: input.map(named),
    output: output.map(named),
  });
}
