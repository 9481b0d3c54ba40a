/** @file Model-local functions: counted first, then inlined where they are called. */
import { PipewrightError } from "../errors.js";
import { overLimit } from "./limits.js";
import type { ModelLimits } from "./limits.js";
import type { FunctionCall } from "./lowering.js";
import { domainOf, functionKey } from "./lowering.js";
import { describe, nodeName } from "./order.js";
import type { AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto } from "./proto.js";
import { numberOf } from "./proto.js";
import { Scope } from "./scope.js";

/**
 * The functions of a model, ready to be called.
 * Ensures: inlining them all makes at most `limits.nodes` nodes, and none calls itself.
 * @throws MODEL_MALFORMED for a recursive or doubled function; LIMIT_EXCEEDED.
 */
export function functionCalls(
  model: ModelProto,
  opsets: ReadonlyMap<string, number>,
  limits: ModelLimits,
): ReadonlyMap<string, FunctionCall> {
  const protos = new Map<string, FunctionProto>();
  for (const proto of model.functions ?? []) {
    const key = functionKey(domainOf(proto), proto.name, proto.overload ?? "");
    if (protos.has(key)) throw new PipewrightError("MODEL_MALFORMED", `function ${proto.name}: defined twice.`);
    protos.set(key, proto);
  }
  const count = countInlined(model.graph?.node ?? [], protos, new Map(), []);
  const added = count - nodesInFile(model);
  if (added > limits.expandedNodes)
    throw overLimit("expandedNodes", "number of nodes that inlining functions adds", added, limits.expandedNodes);
  return new Map([...protos].map(([key, proto]) => [key, inliner(proto, opsets)]));
}

/** Nodes as the file has them: of the graph, of functions, and of their inner graphs. */
export function nodesInFile({ graph, functions = [] }: ModelProto): number {
  const none = new Map<string, FunctionProto>();
  const bodies = [graph?.node ?? [], ...functions.map(({ node }) => node ?? [])];
  return bodies.reduce((sum, nodes) => sum + countInlined(nodes, none, new Map(), []), 0);
}

/** Operator set versions by domain. @throws MODEL_MALFORMED when a domain is given twice or a version is below 1. */
export function opsetVersions(imports: readonly OperatorSetIdProto[], where: string): ReadonlyMap<string, number> {
  const versions = new Map<string, number>();
  for (const entry of imports) {
    const domain = domainOf(entry);
    const version = numberOf(entry.version);
    const shown = domain === "" ? "ai.onnx" : domain;
    if (versions.has(domain))
      throw new PipewrightError("MODEL_MALFORMED", `${where}: imports the operator set ${shown} twice.`);
    if (version < 1) {
      throw new PipewrightError(
        "MODEL_MALFORMED",
        `${where}: imports ${shown} at version ${version}; expected 1 or more.`,
      );
    }
    versions.set(domain, version);
  }
  return versions;
}

/** Calls of a function: a scope of its own, with the call's inputs and attributes. */
function inliner(proto: FunctionProto, modelOpsets: ReadonlyMap<string, number>): FunctionCall {
  const opsets = new Map([...modelOpsets, ...opsetVersions(proto.opset_import ?? [], `function ${proto.name}`)]);
  return (lowering, { node, scope, inputs }) => {
    const attributes = new Map<string, AttributeProto>((proto.attribute_proto ?? []).map((own) => [own.name, own]));
    for (const [name, given] of lowering.attributes(node, scope)) attributes.set(name, given);
    const prefix = `${scope.prefix}${nodeName(node)}/`;
    const inner = new Scope({ prefix, depth: scope.depth + 1, opsets, attributes });
    if (inputs.length > (proto.input?.length ?? 0)) {
      throw new PipewrightError(
        "MODEL_MALFORMED",
        `${describe(node)}: the function takes ${proto.input?.length ?? 0} inputs; got ${inputs.length}.`,
      );
    }
    for (const [position, name] of (proto.input ?? []).entries()) {
      const bound = inputs[position];
      if (bound) inner.bind(name, bound);
      else inner.bindAbsent(name);
    }
    lowering.lowerBody({ node: proto.node ?? [] }, inner);
    return (proto.output ?? []).map((name) => inner.lookup(name));
  };
}

/** Nodes after inlining, in the graph and its subgraphs. Each function is counted once and remembered. */
function countInlined(
  nodes: readonly NodeProto[],
  protos: ReadonlyMap<string, FunctionProto>,
  counted: Map<string, number>,
  stack: readonly string[],
): number {
  let sum = 0;
  for (const node of nodes) {
    for (const attribute of node.attribute ?? []) {
      const graphs: readonly GraphProto[] = [...(attribute.g ? [attribute.g] : []), ...(attribute.graphs ?? [])];
      for (const graph of graphs) sum += countInlined(graph.node ?? [], protos, counted, stack);
    }
    const key = functionKey(domainOf(node), node.op_type, node.overload ?? "");
    const proto = protos.get(key);
    if (!proto) {
      sum += 1;
      continue;
    }
    if (stack.includes(key)) {
      throw new PipewrightError(
        "MODEL_MALFORMED",
        `function ${proto.name}: calls itself${stack.at(-1) === key ? "" : " through others"}.`,
      );
    }
    let own = counted.get(key);
    if (own === undefined) {
      own = countInlined(proto.node ?? [], protos, counted, [...stack, key]);
      counted.set(key, own);
    }
    sum += own;
  }
  return sum;
}
