/** @file Which tensors that nodes make are weights: named like parameters, and read where operators have weights. */
import { WEIGHT_INPUTS } from "./positions.js";
import type { ModelProto, NodeProto } from "./proto.js";

/** Names that exporters give to results of nodes: paths, counters, ports. Parameters have none of these. */
const GENERATED = /[/:]|^\d+$|_output_\d+$|^onnx/;

/** True for a name that somebody chose. */
export function isParameterName(name: string): boolean {
  return !GENERATED.test(name);
}

/** A name for a constant that no import takes for a parameter's. */
export function constantName(name: string): string {
  return isParameterName(name) ? `/${name}` : name;
}

/** Operators that hand their first input on with the same elements, so that a weight may reach its place through them. */
const CARRIERS: ReadonlySet<string> = new Set([
  "Cast",
  "Flatten",
  "Identity",
  "Reshape",
  "Squeeze",
  "Transpose",
  "Unsqueeze",
]);

/** Names that are read where operators have weights. */
export interface WeightReads {
  /** By nodes of the main graph. */
  readonly main: ReadonlySet<string>;
  /** By any nodes, those of functions and inner graphs included. */
  readonly anywhere: ReadonlySet<string>;
}

export function weightReads({ graph, functions = [] }: ModelProto): WeightReads {
  const bodies = [graph?.node ?? [], ...functions.map(({ node }) => node ?? [])];
  return { main: weightsOf(graph?.node ?? []), anywhere: new Set(bodies.flatMap((body) => [...readsWithin(body)])) };
}

/** What the nodes read as weights, directly or through carriers. */
function weightsOf(nodes: readonly NodeProto[]): ReadonlySet<string> {
  const carried = new Map<string, string>();
  const pending: string[] = [];
  for (const { op_type, input = [], output = [] } of nodes) {
    if (CARRIERS.has(op_type)) carried.set(output[0] ?? "", input[0] ?? "");
    for (const position of WEIGHT_INPUTS.get(op_type) ?? []) pending.push(input[position] ?? "");
  }
  const found = new Set<string>();
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "" || found.has(name)) continue;
    found.add(name);
    pending.push(carried.get(name) ?? "");
  }
  return found;
}

/** The same for the nodes and those of their inner graphs. */
function readsWithin(nodes: readonly NodeProto[]): ReadonlySet<string> {
  const inner = nodes.flatMap(({ attribute = [] }) => attribute.flatMap(({ g }) => (g?.node ? [g.node] : [])));
  return new Set([...weightsOf(nodes), ...inner.flatMap((body) => [...readsWithin(body)])]);
}
