/**
 * @file Fused operators that ONNX Runtime's optimisers leave in a file: activations, products, norms, embeddings.
 * Source: onnxruntime/docs/ContribOperators.md.
 */
import { listed } from "../../ir/listed.js";
import type { Value } from "../../ir/graph.js";
import { normalizeAxis } from "../../ops/shape.js";
import type { Decomposition, ImportEmitter, SourceNode } from "../source.js";
import { REFUSED_FORMS, refusedForm } from "../refused-forms.js";
import { inputAt, malformedNode, numberAttr, numbersAttr, textAttr } from "../source.js";
import { cast, permuted, scalarOf, shaped } from "./emission.js";
import { rmsNormalized } from "./recent.js";

const plus = (b: ImportEmitter, x: Value, other: Value | undefined): Value => (other ? b.emit("Add", [x, other]) : x);

/** Swaps the last two axes if asked to. */
function swapped(b: ImportEmitter, x: Value, isAsked: boolean): Value {
  const axes = x.type.shape.map((_, axis) => axis);
  if (!isAsked || axes.length < 2) return x;
  return permuted(b, x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
}

const fusedMatMul: Decomposition = (b, node) => {
  if (numberAttr(node, "transBatchA", 0) || numberAttr(node, "transBatchB", 0)) {
    throw refusedForm(REFUSED_FORMS["com.microsoft.FusedMatMul"].batches);
  }
  const a = swapped(b, inputAt(node, 0), numberAttr(node, "transA", 0) !== 0);
  const c = swapped(b, inputAt(node, 1), numberAttr(node, "transB", 0) !== 0);
  const product = b.emit("MatMul", [a, c]);
  const alpha = numberAttr(node, "alpha", 1);
  return [alpha === 1 ? product : b.emit("Mul", [product, scalarOf(b, alpha, product)])];
};

/** The activation that a product or a convolution ends in. */
function activated(b: ImportEmitter, node: SourceNode, x: Value, params: readonly number[]): Value {
  const name = textAttr(node, "activation", "");
  switch (name) {
    case "":
      return x;
    case "Relu":
    case "Sigmoid":
    case "Tanh":
      return b.emit(name, [x]);
    case "LeakyRelu":
      return b.emit(name, [x], { alpha: params[0] ?? 0.01 });
    case "HardSigmoid":
      return b.emit(name, [x], { alpha: params[0] ?? 0.2, beta: params[1] ?? 0.5 });
    case "Clip":
      return b.emit(name, [x, scalarOf(b, params[0] ?? -Infinity, x), scalarOf(b, params[1] ?? Infinity, x)]);
  }
  throw refusedForm(REFUSED_FORMS["com.microsoft.FusedGemm"].activation, JSON.stringify(name));
}

const fusedGemm: Decomposition = (b, node) => {
  const [alpha, beta] = [numberAttr(node, "alpha", 1), numberAttr(node, "beta", 1)];
  const [transA, transB] = [numberAttr(node, "transA", 0), numberAttr(node, "transB", 0)];
  const product = b.emit("Gemm", [inputAt(node, 0), inputAt(node, 1), node.inputs[2]], { alpha, beta, transA, transB });
  const params = ["activation_alpha", "activation_beta"].flatMap((name) =>
    node.attrs.has(name) ? [numberAttr(node, name)] : [],
  );
  return [activated(b, node, product, params)];
};

const fusedConv: Decomposition = (b, node) => {
  if (textAttr(node, "auto_pad", "NOTSET") !== "NOTSET")
    throw refusedForm(REFUSED_FORMS["com.microsoft.FusedConv"].autoPad);
  const lists = ["dilations", "kernel_shape", "pads", "strides"].flatMap((name) => {
    const list = numbersAttr(node, name);
    return list ? [[name, list] as const] : [];
  });
  const attrs = { ...Object.fromEntries(lists), group: numberAttr(node, "group", 1) };
  const sum = plus(b, b.emit("Conv", [inputAt(node, 0), inputAt(node, 1), node.inputs[2]], attrs), node.inputs[3]);
  return [activated(b, node, sum, numbersAttr(node, "activation_params") ?? [])];
};

/** Layer norm of a sum; the statistics of the second and third output are not made. */
const skipLayerNormalization: Decomposition = (b, node) => {
  const sum = plus(b, b.emit("Add", [inputAt(node, 0), inputAt(node, 1)]), node.inputs[4]);
  const epsilon = numberAttr(node, "epsilon", 1e-12);
  const y = b.emit("LayerNormalization", [sum, inputAt(node, 2), node.inputs[3]], { axis: -1, epsilon });
  return [y, undefined, undefined, sum];
};

const skipRmsNormalization: Decomposition = (b, node) => {
  const sum = plus(b, b.emit("Add", [inputAt(node, 0), inputAt(node, 1)]), node.inputs[3]);
  return [rmsNormalized(b, node, sum, inputAt(node, 2), numberAttr(node, "epsilon", 1e-12)), undefined, undefined, sum];
};

/** Sum of word, position and segment embeddings, then layer norm; the mask output is the count of unmasked words. */
const embedLayerNormalization: Decomposition = (b, node) => {
  const ids = inputAt(node, 0);
  const [batch, length] = ids.type.shape;
  if (ids.type.shape.length !== 2) throw malformedNode(node, "input 0 is not [batch, sequence]");
  const rows = (table: number, positions: Value): Value =>
    b.emit("Gather", [inputAt(node, table), positions], { axis: 0 });
  const positions = node.inputs[8] ?? b.int64s(listed(length!, (position) => position));
  let sum = b.emit("Add", [rows(2, ids), rows(3, positions)]);
  if (node.inputs[1] && node.inputs[4]) sum = b.emit("Add", [sum, rows(4, node.inputs[1])]);
  const epsilon = numberAttr(node, "epsilon", 1e-12);
  const y = b.emit("LayerNormalization", [sum, inputAt(node, 5), inputAt(node, 6)], { axis: -1, epsilon });
  const mask = node.inputs[7];
  const counts = mask
    ? b.emit("ReduceSum", [cast(b, mask, "int32"), b.int64s([1])], { keepdims: 0 })
    : b.emit("Expand", [b.scalar(0, "int32"), b.int64s([batch!])]);
  return [y, counts, sum];
};

export const contrib: Readonly<Record<string, Decomposition>> = {
  "com.microsoft.Gelu": (b, node) => [b.emit("Gelu", [inputAt(node, 0)], { approximate: "none" })],
  "com.microsoft.BiasGelu": (b, node) => [
    b.emit("Gelu", [plus(b, inputAt(node, 0), inputAt(node, 1))], { approximate: "none" }),
  ],
  "com.microsoft.FastGelu": (b, node) => [
    b.emit("Gelu", [plus(b, inputAt(node, 0), node.inputs[1])], { approximate: "tanh" }),
  ],
  "com.microsoft.QuickGelu": (b, node) => {
    const x = inputAt(node, 0);
    const slope = b.emit("Mul", [x, scalarOf(b, numberAttr(node, "alpha", 1.702), x)]);
    return [b.emit("Mul", [x, b.emit("Sigmoid", [slope])])];
  },
  "com.microsoft.BiasSoftmax": (b, node) => {
    const sum = b.emit("Add", [inputAt(node, 0), inputAt(node, 1)]);
    const { shape } = sum.type;
    const start = normalizeAxis(numberAttr(node, "axis", 1), shape.length);
    const size = shape.slice(start).reduce((product, own) => product * own, 1);
    const rows = shaped(b, sum, [...shape.slice(0, start), size]);
    return [shaped(b, b.emit("Softmax", [rows], { axis: -1 }), shape)];
  },
  "com.microsoft.FusedMatMul": fusedMatMul,
  "com.microsoft.TransposeMatMul": fusedMatMul,
  "com.microsoft.FusedGemm": fusedGemm,
  "com.microsoft.FusedConv": fusedConv,
  "com.microsoft.SkipLayerNormalization": skipLayerNormalization,
  "com.microsoft.SkipSimplifiedLayerNormalization": skipRmsNormalization,
  "com.microsoft.EmbedLayerNormalization": embedLayerNormalization,
  SimplifiedLayerNormalization: (b, node) => [
    rmsNormalized(b, node, inputAt(node, 0), inputAt(node, 1), numberAttr(node, "epsilon", 1e-5)),
  ],
};
