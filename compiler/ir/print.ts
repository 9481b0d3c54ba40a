/** @file Graphs as text: one line per node. The text of golden files and of error messages. */
import type { Graph, Literal, Node, TensorType, Value } from "./graph.js";
import { elementCount } from "./literal.js";

/** "float32[2,3]". */
export function formatType(type: TensorType): string {
  return `${type.dtype}[${type.shape.join(",")}]`;
}

/** A short literal in full, a long one by its type: "{1, 2}" or "{…} int64[400]". */
function formatLiteral(literal: Literal): string {
  if (elementCount(literal.shape) > 8) return `{…} ${formatType(literal)}`;
  const body = Array.from(literal.elements as ArrayLike<unknown>, String).join(", ");
  return literal.shape.length === 0 ? `${body}` : `{${body}}`;
}

/** "y = Gemm(x, w, b) transB=1 : float32[4,8]"; attributes in the order of their names. */
export function formatNode(node: Node): string {
  const outputs = node.outputs.map((value) => value?.name ?? "_").join(", ");
  const inputs = node.inputs.map((value) => (value ? formatOperand(value) : "_")).join(", ");
  const attrs = Object.entries(node.attrs)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => ` ${key}=${formatAttr(value)}`)
    .join("");
  const types = node.outputs.map((value) => (value ? formatType(value.type) : "_")).join(", ");
  return `${outputs} = ${node.op}(${inputs})${attrs} : ${types}`;
}

/** The whole graph. Ensures: equal graphs give equal text. */
export function formatGraph(graph: Graph): string {
  const declare = (value: Value) => `${value.name}: ${formatType(value.type)}`;
  return [
    `graph ${graph.name}`,
    ...graph.inputs.map((value) => `input  ${declare(value)}`),
    ...graph.params.map((value) => `param  ${declare(value)}`),
    ...graph.nodes.map((node) => `  ${formatNode(node)}`),
    ...graph.states.map(({ param, next }) => `state  ${param.name} <- ${next.name}`),
    ...graph.outputs.map((value) => `output ${value.name}`),
    "",
  ].join("\n");
}

function formatOperand(value: Value): string {
  return value.literal ? formatLiteral(value.literal) : value.name;
}

function formatAttr(value: unknown): string {
  if (Array.isArray(value)) return `[${value.join(",")}]`;
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "object" && value !== null) return formatLiteral(value as Literal);
  return String(value);
}
