/** @file Random legal graphs, and the same graphs with one known illegal edit, which the import must refuse. */
import { literalOf } from "../../compiler/ir/literal.js";
import type { BriefModel, BriefNode } from "../../test/support/proto-model.js";
import { modelBytes } from "../../test/support/proto-model.js";
import type { randomBelow } from "./mutate.js";

type Below = ReturnType<typeof randomBelow>;

/** A graph that must be refused, and why. */
export interface IllegalGraph {
  readonly edit: string;
  readonly bytes: Uint8Array;
}

const SIDE = 3;
const UNARY = ["Relu", "Tanh", "Exp", "Neg", "Identity", "Transpose", "Softmax"];
const BINARY = ["Add", "Mul", "MatMul", "Sub"];

/** Up to 12 nodes on square matrices, each reading earlier values; every value that nothing reads is an output. */
export function legalGraph(below: Below): BriefModel {
  const values = ["x", "w"];
  const nodes: BriefNode[] = [];
  const any = (): string => values[below(values.length)]!;
  for (let left = 2 + below(11); left > 0; left--) {
    const inputs = below(2) === 0 ? [any()] : [any(), any()];
    const ops = inputs.length === 1 ? UNARY : BINARY;
    const output = `v${nodes.length}`;
    nodes.push({ op: ops[below(ops.length)]!, inputs, outputs: [output] });
    values.push(output);
  }
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  return {
    nodes,
    inputs: { x: `float32[${SIDE},${SIDE}]` },
    outputs: nodes.flatMap(({ outputs }) => outputs.filter((name) => !read.has(name))),
    initializers: {
      w: literalOf(
        "float32",
        [SIDE, SIDE],
        Array.from({ length: SIDE * SIDE }, (_, at) => at / 7),
      ),
    },
  };
}

/** Replaces one node. */
type NodeEdit = (node: BriefNode) => BriefNode;

const NODE_EDITS: Readonly<Record<string, NodeEdit>> = {
  "reads what nothing makes": (node) => ({ ...node, inputs: ["nowhere", ...node.inputs.slice(1)] }),
  "reads its own output": (node) => ({ ...node, inputs: [node.outputs[0]!, ...node.inputs.slice(1)] }),
  "leaves out an input that is required": (node) => ({ ...node, inputs: ["", ...node.inputs.slice(1)] }),
  "has no inputs": (node) => ({ ...node, inputs: [] }),
  "has too many inputs": (node) => ({ ...node, inputs: Array.from({ length: 9 }, () => "x") }),
  "has too many outputs": (node) => ({ ...node, outputs: [...node.outputs, "extra.1", "extra.2"] }),
  "names no operator": (node) => ({ ...node, op: "" }),
  "names an operator that does not exist": (node) => ({ ...node, op: "Rleu" }),
  "names a domain that does not exist": (node) => ({ ...node, domain: "example.nowhere" }),
  "has an attribute that does not exist": (node) => ({ ...node, attrs: { ...node.attrs, wrong: 1 } }),
  "permutes with an axis twice": (node) => ({ ...node, op: "Transpose", inputs: ["x"], attrs: { perm: [0, 0] } }),
  "permutes axes that are not there": (node) => ({ ...node, op: "Transpose", inputs: ["x"], attrs: { perm: [0, 5] } }),
  "has an axis that is not there": (node) => ({ ...node, op: "Softmax", inputs: ["x"], attrs: { axis: 7 } }),
  "has an attribute of the wrong type": (node) => ({ ...node, op: "Softmax", inputs: ["x"], attrs: { axis: "one" } }),
  "concatenates over an axis that is not there": (node) => ({
    ...node,
    op: "Concat",
    inputs: ["x", "w"],
    attrs: { axis: -9 },
  }),
  "concatenates without an axis": (node) => ({ ...node, op: "Concat", inputs: ["x", "w"] }),
  "convolves a matrix": (node) => ({ ...node, op: "Conv", inputs: ["x", "w"] }),
  "casts to a type that does not exist": (node) => ({ ...node, op: "Cast", inputs: ["x"], attrs: { to: 9999 } }),
  "makes a value that exists": (node) => ({ ...node, outputs: ["w"] }),
};

const MODEL_EDITS: Readonly<Record<string, (model: BriefModel) => BriefModel>> = {
  "has an output that nothing makes": (model) => ({ ...model, outputs: [...model.outputs, "nowhere"] }),
  "makes a value twice": (model) => ({ ...model, nodes: [...model.nodes, model.nodes[0]!] }),
  "declares a wrong type": ({ outputs: [first, ...others], ...model }) => ({
    ...model,
    outputs: [`${first}: float32[${SIDE},${SIDE + 1}]`, ...others],
  }),
  "has matrices that do not fit": (model) => ({
    ...model,
    nodes: [...model.nodes, { op: "MatMul", inputs: ["x", "narrow"], outputs: ["last"] }],
    outputs: [...model.outputs, "last"],
    initializers: { ...model.initializers, narrow: literalOf("float32", [1, 2], [0, 1]) },
  }),
  "is for a version that does not exist": (model) => ({ ...model, opset: 9999 }),
};

/** All edits, each by what it does to the graph. */
export const EDITS = [...Object.keys(NODE_EDITS), ...Object.keys(MODEL_EDITS)];

/** A legal graph with one edit after which it is none. */
export function illegalGraph(below: Below): IllegalGraph {
  const model = legalGraph(below);
  const edit = EDITS[below(EDITS.length)]!;
  const change = MODEL_EDITS[edit];
  if (change) return { edit, bytes: modelBytes(change(model)) };
  const at = below(model.nodes.length);
  const nodes = model.nodes.map((node, index) => (index === at ? NODE_EDITS[edit]!(node) : node));
  return { edit, bytes: modelBytes({ ...model, nodes }) };
}
