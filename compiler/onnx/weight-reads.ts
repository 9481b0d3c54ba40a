/** @file Which names stand where operators have weights, also behind functions of the model and inner graphs. */
import { domainOf, functionKey } from "./lowering.js";
import { WEIGHT_INPUTS } from "./positions.js";
import type { FunctionProto, ModelProto, NodeProto } from "./proto.js";

/** Names that are read where operators have weights. */
export interface WeightReads {
  /** By nodes of the main graph and what they call. */
  readonly main: ReadonlySet<string>;
  /** By any nodes, those of functions included. */
  readonly anywhere: ReadonlySet<string>;
}

export function weightReads({ graph, functions = [] }: ModelProto): WeightReads {
  const inputsOf = weightInputs(functions);
  const main = weightsOf(graph?.node ?? [], inputsOf);
  const own = functions.flatMap(({ node }) => [...weightsOf(node ?? [], inputsOf)]);
  return { main, anywhere: new Set([...main, ...own]) };
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

/** Positions where a node reads weights: in any case, or because an output of it is read as one. */
type WeightInputs = (node: NodeProto, output?: number) => readonly number[];

/** A call reads as weights what the nodes of its function do; each function is looked through once per output. */
function weightInputs(functions: readonly FunctionProto[]): WeightInputs {
  const protos = new Map(functions.map((proto) => [keyOf(proto, proto.name), proto]));
  const known = new Map<string, readonly number[]>();
  const inputsOf: WeightInputs = (node, output) => {
    const key = keyOf(node, node.op_type);
    const proto = protos.get(key);
    if (!proto && output === undefined) return WEIGHT_INPUTS.get(node.op_type) ?? [];
    if (!proto) return output === 0 && CARRIERS.has(node.op_type) ? [0] : [];
    const use = `${key}\n${output ?? ""}`;
    const before = known.get(use);
    if (before) return before;
    // A function that calls itself is refused where it is called; here it must only come to an end.
    known.set(use, []);
    const wanted = output === undefined ? [] : [proto.output?.[output] ?? ""];
    const reads = weightsOf(proto.node ?? [], inputsOf, wanted);
    const positions = (proto.input ?? []).flatMap((name, position) => (reads.has(name) ? [position] : []));
    known.set(use, positions);
    return positions;
  };
  return inputsOf;
}

function keyOf(own: { readonly domain?: string; readonly overload?: string }, name: string): string {
  return functionKey(domainOf(own), name, own.overload ?? "");
}

/** What the nodes and those of their inner graphs read as weights, where `wanted` are weights too. */
function weightsOf(
  nodes: readonly NodeProto[],
  inputsOf: WeightInputs,
  wanted: readonly string[] = [],
): ReadonlySet<string> {
  const pending = [...wanted];
  const read = (node: NodeProto, output?: number): void => {
    for (const position of inputsOf(node, output)) pending.push(node.input?.[position] ?? "");
  };
  for (const node of withInner(nodes)) read(node);
  if (pending.length === 0) return new Set();
  const makers = new Map<string, readonly [node: NodeProto, output: number]>();
  for (const node of withInner(nodes))
    for (const [output, name] of (node.output ?? []).entries()) makers.set(name, [node, output]);
  const found = new Set<string>();
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === "" || found.has(name)) continue;
    found.add(name);
    const maker = makers.get(name);
    if (maker) read(...maker);
  }
  return found;
}

function* withInner(nodes: readonly NodeProto[]): Iterable<NodeProto> {
  for (const node of nodes) {
    yield node;
    for (const { g } of node.attribute ?? []) if (g) yield* withInner(g.node ?? []);
  }
}
