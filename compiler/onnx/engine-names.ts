/**
 * @file Names in stage graphs. Engines take names as C strings, which end at a NUL, so NULs are written as the six
 * characters \u0000; where a name has those six already, their backslash is written as \u005c.
 */
import type { GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto } from "./proto.js";
import { changed } from "./proto.js";

// eslint-disable-next-line no-control-regex -- NUL is what it looks for
const UNWRITABLE = /\0|\\(?=(?:u005c)*u0000)/g;
const WRITTEN = /\\u0000|\\u005c(?=(?:u005c)*u0000)/g;

/** A name as a stage graph has it. Ensures: no NUL; different names stay different; `ownName` gives the name back. */
export function engineName(name: string): string {
  return name.replace(UNWRITABLE, (found) => (found === "\0" ? "\\u0000" : "\\u005c"));
}

/** The name behind one of a stage graph. */
export function ownName(written: string): string {
  return written.replace(WRITTEN, (found) => (found === "\\u0000" ? "\0" : "\\"));
}

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
