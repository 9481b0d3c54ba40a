/** @file Models at the declared limits: 20 MB of many small things, bombs of some hundred bytes, a very long chain. */
import { literalOf } from "../../compiler/ir/literal.js";
import { encodeModel } from "../../compiler/onnx/codec.js";
import { bytesField } from "../../compiler/onnx/wire.js";
import { briefGraph, briefNode, modelBytes } from "../../test/support/proto-model.js";

/** A model, and what it may cost. */
export interface LimitCase {
  readonly name: string;
  readonly make: () => Uint8Array;
  readonly exitCode: number;
  readonly mostMs: number;
  readonly mostBytes: number;
  /** The start of the process does not count. */
  readonly withoutStart?: boolean;
}

const FLOOD_BYTES = 20_000_000;
const REFUSED = { exitCode: 5, mostMs: 1_000, mostBytes: 210e6 } as const;
const BOMB = { exitCode: 5, mostMs: 100, mostBytes: 150e6, withoutStart: true } as const;

/** 20 MB of one field over and over. */
const flood = (...field: readonly number[]): Uint8Array =>
  new Uint8Array(FLOOD_BYTES - (FLOOD_BYTES % field.length)).map((_, at) => field[at % field.length]!);
/** Puts a payload into nested messages: field numbers from the outside in. */
const within = (payload: Uint8Array, ...fields: readonly number[]): Uint8Array =>
  fields.reduceRight((inner, field) => bytesField(field, inner), payload);

const [GRAPH, NODE, INITIALIZER, VALUE_INFO, ATTRIBUTE] = [7, 1, 5, 13, 5];

const FLOODS: readonly (readonly [name: string, make: () => Uint8Array])[] = [
  ["empty tensors", () => within(flood(0x2a, 0), GRAPH)],
  ["empty nodes", () => within(flood(0x0a, 0), GRAPH)],
  ["empty value infos", () => within(flood(0x6a, 0), GRAPH)],
  ["empty attributes", () => within(flood(0x2a, 0), GRAPH, NODE)],
  ["empty graphs of an attribute", () => within(flood(0x5a, 0), GRAPH, NODE, ATTRIBUTE)],
  ["tensors with a name of one letter", () => within(flood(0x2a, 3, 0x42, 1, 0x61), GRAPH)],
  ["empty inputs of a node", () => within(flood(0x0a, 0), GRAPH, NODE)],
  ["empty strings of an attribute", () => within(flood(0x4a, 0), GRAPH, NODE, ATTRIBUTE)],
  ["numbers of an attribute, packed", () => within(within(flood(1), 8), GRAPH, NODE, ATTRIBUTE)],
  ["dims of a tensor, packed", () => within(within(flood(1), 1), GRAPH, INITIALIZER)],
  ["dims of an input", () => within(flood(0x0a, 0), GRAPH, VALUE_INFO, 2, 1, 2)],
  ["entries of external data", () => within(flood(0x6a, 0), GRAPH, INITIALIZER)],
  ["imported operator sets", () => flood(0x42, 0)],
  ["nested unknown groups", () => flood(0x83, 0x7d)],
];

/** Functions that each call the next one twice: 2^depth nodes when inlined. */
export function doubling(depth: number): Uint8Array {
  const call = (op: string, from: string, to: string) =>
    briefNode({ op, inputs: [from], outputs: [to], domain: op.startsWith("F") ? "d" : "" });
  const functions = Array.from({ length: depth }, (_, at) => {
    const next = at + 1 < depth ? `F${at + 1}` : "Relu";
    return {
      name: `F${at}`,
      domain: "d",
      input: ["a"],
      output: ["c"],
      node: [call(next, "a", "b"), call(next, "b", "c")],
    };
  });
  const graph = {
    ...briefGraph({ nodes: [], inputs: { x: "float32[1]" }, outputs: ["y"] }),
    node: [call("F0", "x", "y")],
  };
  const opset_import = [
    { domain: "", version: 21 },
    { domain: "d", version: 1 },
  ];
  return encodeModel({ ir_version: 8, opset_import, graph, functions });
}

/** A shape of 2^40 axes, asked for in few bytes. */
function vastShape(): Uint8Array {
  const nodes = [
    {
      op: "ConstantOfShape",
      inputs: ["k"],
      outputs: ["s"],
      attrs: { value: { tensor: literalOf("int64", [1], [1]) } },
    },
    { op: "Reshape", inputs: ["x", "s"], outputs: ["y"] },
  ];
  const initializers = { k: literalOf("int64", [1], [2 ** 40]) };
  return modelBytes({ nodes, inputs: { x: "float32[1]" }, outputs: ["y"], initializers });
}

function chain(length: number): Uint8Array {
  const name = (at: number): string => (at === 0 ? "x" : at === length ? "y" : `v${at}`);
  const nodes = Array.from({ length }, (_, at) => ({ op: "Relu", inputs: [name(at)], outputs: [name(at + 1)] }));
  return modelBytes({ nodes, inputs: { x: "float32[2,4]" }, outputs: ["y"] });
}

export const LIMIT_CASES: readonly LimitCase[] = [
  ...FLOODS.map(([name, make]): LimitCase => ({ name: `20 MB of ${name}`, make, ...REFUSED })),
  { name: "bomb of a shape with 2^40 axes", make: vastShape, ...BOMB },
  { name: "bomb of 2^16 nodes in functions", make: () => doubling(16), ...BOMB },
  { name: "bomb of 2^40 nodes in functions", make: () => doubling(40), ...BOMB },
  { name: "chain of 50,000 nodes", make: () => chain(50_000), exitCode: 0, mostMs: 1_500, mostBytes: 200e6 },
];
