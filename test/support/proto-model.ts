/** @file Small models at any operator set, written down briefly, for tests of the import. */
import type { DType, Literal } from "../../compiler/ir/graph.js";
import { formatGraph } from "../../compiler/ir/print.js";
import { encodeModel } from "../../compiler/onnx/codec.js";
import { dtypeCode } from "../../compiler/onnx/dtype.js";
import type { ImportOptions } from "../../compiler/onnx/import.js";
import { importModel } from "../../compiler/onnx/import.js";
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  NodeProto,
  ValueInfoProto,
} from "../../compiler/onnx/proto.js";
import { tensorProto } from "../../compiler/onnx/tensor-data.js";

/** An integer, integers, a string, strings, a float, floats, a tensor, a graph, or a reference to a function's attribute. */
export type Attr =
  | number
  | readonly number[]
  | string
  | readonly string[]
  | { readonly f: number }
  | { readonly floats: readonly number[] }
  | { readonly tensor: Literal }
  | { readonly graph: GraphProto }
  | { readonly ref: string; readonly type: number };

export interface BriefNode {
  readonly op: string;
  /** "" leaves one out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attrs?: Readonly<Record<string, Attr>>;
  readonly domain?: string;
  readonly name?: string;
}

export interface BriefModel {
  readonly opset?: number;
  readonly nodes: readonly BriefNode[];
  /** Types such as "float32[2,n]", by name. */
  readonly inputs?: Readonly<Record<string, string>>;
  readonly outputs: readonly string[];
  readonly initializers?: Readonly<Record<string, Literal>>;
  readonly functions?: readonly FunctionProto[];
  readonly domains?: readonly string[];
}

/** Bytes of the model. */
export function modelBytes(model: BriefModel): Uint8Array {
  return encodeModel({
    ir_version: 8,
    opset_import: [
      { domain: "", version: model.opset ?? 21 },
      ...(model.domains ?? []).map((domain) => ({ domain, version: 1 })),
    ],
    graph: briefGraph(model),
    functions: model.functions ?? [],
  });
}

/** The graph of a model, or one for an attribute. Outputs may have types too: "y: float32[2]". */
export function briefGraph({ nodes, inputs = {}, outputs, initializers = {} }: Omit<BriefModel, "opset">): GraphProto {
  return {
    name: "test",
    node: nodes.map(briefNode),
    input: Object.entries(inputs).map(([name, type]) => info(name, type)),
    output: outputs.map((output) => {
      const [name, type] = output.split(": ");
      return type ? info(name!, type) : { name: name! };
    }),
    initializer: Object.entries(initializers).map(([name, literal]) => tensorProto(literal, name)),
  };
}

/** One node as a proto. */
export function briefNode({ op, inputs, outputs, attrs = {}, domain = "", name = outputs[0]! }: BriefNode): NodeProto {
  const attribute = Object.entries(attrs).map(([key, value]) => ({ name: key, ...attributeFields(value) }));
  return { op_type: op, input: inputs, output: outputs, attribute, domain, name };
}

/** The text of the graph that the import makes. */
export function importedText(model: BriefModel, options: ImportOptions = {}): string {
  return formatGraph(importModel(modelBytes(model), options).graph);
}

/** Its lines that are nodes, without indentation. */
export function importedNodes(model: BriefModel, options: ImportOptions = {}): readonly string[] {
  return importedText(model, options)
    .split("\n")
    .filter((line) => line.startsWith("  "))
    .map((line) => line.trim());
}

function info(name: string, type: string): ValueInfoProto {
  const [, dtype, dims] = /^(\w+)\[(.*)\]$/.exec(type)!;
  const dim =
    dims === ""
      ? []
      : dims!.split(",").map((size) => (/^\d+$/.test(size) ? { dim_value: Number(size) } : { dim_param: size }));
  return { name, type: { tensor_type: { elem_type: dtypeCode(dtype as DType), shape: { dim } } } };
}

function attributeFields(value: Attr): Omit<AttributeProto, "name"> {
  const encoder = new TextEncoder();
  if (typeof value === "number") return { type: 2, i: value };
  if (typeof value === "string") return { type: 3, s: encoder.encode(value) };
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item === "number")) return { type: 7, ints: value };
    return { type: 8, strings: value.map((item) => encoder.encode(String(item))) };
  }
  if ("f" in value) return { type: 1, f: value.f };
  if ("floats" in value) return { type: 6, floats: value.floats };
  if ("tensor" in value) return { type: 4, t: tensorProto(value.tensor, "") };
  if ("graph" in value) return { type: 5, g: value.graph };
  if ("ref" in value) return { type: value.type, ref_attr_name: value.ref };
  throw new Error("unknown attribute");
}
