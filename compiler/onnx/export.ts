/** @file Graphs and parts of graphs as plain ONNX files at opset 21, for any runtime. */
import { uniqueName } from "../ir/fresh.js";
import type { Graph, Literal, Node, TensorType, Value, ValueId } from "../ir/graph.js";
import type { AttrField } from "../ops/define.js";
import { OPS } from "../ops/registry.js";
import { attributeProtos } from "./attributes.js";
import { encodeModel } from "./codec.js";
import { dtypeCode } from "./dtype.js";
import { engineName } from "../names.js";
import { constantName } from "./parameter-names.js";
import type { GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto } from "./proto.js";
import { tensorProto } from "./tensor-data.js";

/** The operator set of everything that pipewright writes. */
const OPSET = 21;
const IR_VERSION = 10;
/** Version of any other domain that is used; ONNX Runtime's own is at 1. */
const DOMAIN_VERSION = 1;

/** A runnable part of a graph. */
export interface ProgramParts {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** In topological order. */
  readonly nodes: readonly Node[];
}

/** How `exportGraph` writes. */
export interface ExportOptions {
  /** Write the types of all values between nodes too. */
  readonly valueInfo?: boolean;
  /** Bytes of parameters, by name: these become initializers. All other parameters become inputs. */
  readonly weights?: ReadonlyMap<string, Uint8Array>;
}

/**
 * A set of nodes as an ONNX model. Literals become initializers; names of values and nodes are kept, as `engineName`
 * writes them.
 *
 * Requires: `inputs` hold every value that the nodes read and do not make, other than literals.
 * Ensures: equal parts give equal bytes. An output may also be an input or a literal.
 */
export function exportProgram(parts: ProgramParts): Uint8Array {
  return encodeModel(programModel(parts, "initializers", false));
}

/**
 * A whole graph as an ONNX model: inputs are the graph's inputs, then its parameters.
 * Literals become Constant nodes, so that an import does not take them for parameters.
 */
export function exportGraph(graph: Graph, options: ExportOptions = {}): Uint8Array {
  const { weights = new Map<string, Uint8Array>() } = options;
  const fed = graph.params.filter(({ name }) => !weights.has(name));
  const model = programModel(
    { name: graph.name, inputs: [...graph.inputs, ...fed], outputs: graph.outputs, nodes: graph.nodes },
    "constants",
    options.valueInfo ?? false,
  );
  const initializer = graph.params.flatMap(({ name, type }): TensorProto[] => {
    const bytes = weights.get(name);
    return bytes
      ? [{ dims: type.shape, data_type: dtypeCode(type.dtype), name: engineName(name), raw_data: bytes }]
      : [];
  });
  return encodeModel({ ...model, graph: { ...model.graph!, initializer } });
}

function programModel(parts: ProgramParts, literals: "initializers" | "constants", valueInfo: boolean): ModelProto {
  const asNodes = literals === "constants";
  const names = new Names(parts, asNodes);
  const nodes = parts.nodes.map((node) => nodeProto(node, names));
  const output = parts.outputs.map((value) => valueInfoProto(names.of(value), value.type));
  const constants = names.literals();
  const graph: GraphProto = {
    name: parts.name,
    node: [...(asNodes ? constants.map(constantNode) : []), ...nodes],
    initializer: asNodes ? [] : constants.map(({ name, literal }) => tensorProto(literal, name)),
    input: parts.inputs.map(({ name, type }) => valueInfoProto(engineName(name), type)),
    output,
    value_info: valueInfo ? innerValues(parts) : [],
  };
  const domains = [...new Set(parts.nodes.map((node) => OPS[node.op].domain ?? ""))].filter((domain) => domain !== "");
  return {
    ir_version: IR_VERSION,
    producer_name: "pipewright",
    graph,
    opset_import: [
      { domain: "", version: OPSET },
      ...domains.sort().map((domain) => ({ domain, version: DOMAIN_VERSION })),
    ],
  };
}

/**
 * Tensor names in the file: those of the values. Literals that share a name with something else get a suffix, and as
 * nodes a name that no parameter has, unless they are outputs.
 */
class Names {
  readonly #taken = new Set<string>();
  readonly #literals = new Map<ValueId, { readonly name: string; readonly literal: Literal }>();

  readonly #asNodes: boolean;
  readonly #outputs: ReadonlySet<Value>;

  constructor(parts: ProgramParts, asNodes: boolean) {
    this.#asNodes = asNodes;
    this.#outputs = new Set(parts.outputs);
    for (const value of parts.inputs) this.#taken.add(engineName(value.name));
    for (const node of parts.nodes)
      for (const value of node.outputs) if (value) this.#taken.add(engineName(value.name));
  }

  of(value: Value | undefined): string {
    if (!value) return "";
    if (!value.literal) return engineName(value.name);
    const known = this.#literals.get(value.id);
    if (known) return known.name;
    const isNameless = this.#asNodes && !this.#outputs.has(value);
    const name = uniqueName(this.#taken, engineName(isNameless ? constantName(value.name) : value.name));
    this.#literals.set(value.id, { name, literal: value.literal });
    return name;
  }

  literals(): readonly { readonly name: string; readonly literal: Literal }[] {
    return [...this.#literals.values()];
  }
}

function nodeProto(node: Node, names: Names): NodeProto {
  const { attributes, domain } = OPS[node.op] as {
    readonly attributes: Readonly<Record<string, AttrField<unknown>>>;
    readonly domain?: string;
  };
  return {
    name: engineName(node.name),
    op_type: node.op,
    input: withoutTrailing(node.inputs.map((value) => names.of(value))),
    output: withoutTrailing(node.outputs.map((value) => names.of(value))),
    attribute: attributeProtos(attributes, node.attrs as Readonly<Record<string, unknown>>),
    ...(domain ? { domain } : {}),
  };
}

function constantNode({ name, literal }: { readonly name: string; readonly literal: Literal }): NodeProto {
  return {
    name: `${name}.constant`,
    op_type: "Constant",
    output: [name],
    attribute: [{ name: "value", type: 4, t: tensorProto(literal, "") }],
  };
}

function innerValues(parts: ProgramParts): readonly ValueInfoProto[] {
  const results = new Set(parts.outputs.map(({ id }) => id));
  return parts.nodes.flatMap((node) =>
    node.outputs.flatMap((value) =>
      value && !results.has(value.id) ? [valueInfoProto(engineName(value.name), value.type)] : [],
    ),
  );
}

function valueInfoProto(name: string, type: TensorType): ValueInfoProto {
  const shape = { dim: type.shape.map((size) => ({ dim_value: size })) };
  return { name, type: { tensor_type: { elem_type: dtypeCode(type.dtype), shape } } };
}

/** Optional inputs and outputs at the end are left out, not named "". */
function withoutTrailing(names: readonly string[]): readonly string[] {
  return names.slice(0, names.findLastIndex((name) => name !== "") + 1);
}
