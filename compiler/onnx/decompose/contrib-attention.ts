/**
 * @file ONNX Runtime's own Attention and MultiHeadAttention, in terms of ONNX's Attention.
 * Source: onnxruntime/docs/ContribOperators.md. Caches of keys and packed inputs are left out.
 */
import { listed } from "../../ir/listed.js";
import type { Value } from "../../ir/graph.js";
import type { Decomposition, ImportEmitter, SourceNode } from "../source.js";
import { REFUSED_FORMS, refusedForm } from "../refused-forms.js";
import { inputAt, malformedNode, numberAttr, numbersAttr } from "../source.js";
import { splitAlong } from "../structural/slices.js";
import { attention } from "./attention.js";
import { cast, scalarOf, shaped } from "./emission.js";

/** Queries, keys and values of shape [batch, sequence, heads·size]. */
type Projected = readonly [q: Value, k: Value, v: Value];

/** What is masked gets this added, by default. */
const FILTER = -10_000;

function attend(
  b: ImportEmitter,
  node: SourceNode,
  [q, k, v]: Projected,
  bias: Value | undefined,
): readonly (Value | undefined)[] {
  const heads = numberAttr(node, "num_heads");
  const attrs = new Map<string, number>([
    ["q_num_heads", heads],
    ["kv_num_heads", heads],
    ["is_causal", numberAttr(node, "unidirectional", 0)],
  ]);
  const scale = numberAttr(node, "scale", 0);
  if (scale !== 0) attrs.set("scale", scale);
  return [attention(b, { ...node, op: "Attention", inputs: [q, k, v, bias], attrs, outputs: [true] })[0]];
}

/** 0 where a key counts, the filter value where not. A mask is [batch], the count of keys, or has axes as it is used. */
function maskBias(
  b: ImportEmitter,
  node: SourceNode,
  mask: Value | undefined,
  q: Value,
  keys: number,
): Value | undefined {
  if (!mask) return undefined;
  const { shape } = mask.type;
  const batch = q.type.shape[0]!;
  const zero = scalarOf(b, 0, q);
  const filter = scalarOf(b, numberAttr(node, "mask_filter_value", FILTER), q);
  if (shape.length === 1 && shape[0] === batch) {
    const key = b.int64s(listed(keys, (position) => position));
    const counts = b.emit("Less", [key, shaped(b, cast(b, mask, "int64"), [batch, 1, 1, 1])]);
    return b.emit("Where", [counts, zero, filter]);
  }
  if (shape.length < 2 || shape.length > 4)
    throw refusedForm(REFUSED_FORMS["com.microsoft.Attention"].mask, `[${shape.join(",")}]`);
  const wide =
    shape.length === 2
      ? [shape[0]!, 1, 1, shape[1]!]
      : shape.length === 3
        ? [shape[0]!, 1, shape[1]!, shape[2]!]
        : shape;
  return b.emit("Where", [cast(b, shaped(b, mask, wide), "bool"), zero, filter]);
}

function sumOf(b: ImportEmitter, first: Value | undefined, second: Value | undefined): Value | undefined {
  return first && second ? b.emit("Add", [first, second]) : (first ?? second);
}

/** Inputs x, weights [features, 3·hidden], bias, mask, past, attention bias. */
const packedProjection: Decomposition = (b, node) => {
  if (node.inputs[4]) throw refusedForm(REFUSED_FORMS["com.microsoft.Attention"].cache);
  const [x, weights, bias] = [inputAt(node, 0), inputAt(node, 1), node.inputs[2]];
  const columns = weights.type.shape[1] ?? 0;
  const given = numbersAttr(node, "qkv_hidden_sizes");
  if (!given && columns % 3 !== 0)
    throw malformedNode(node, `${columns} columns of weights do not form queries, keys and values`);
  const product = b.emit("MatMul", [x, weights]);
  const sizes = given ?? [0, 1, 2].map(() => columns / 3);
  const parts = splitAlong(b, bias ? b.emit("Add", [product, bias]) : product, 2, sizes);
  const mask = maskBias(b, node, node.inputs[3], x, x.type.shape[1]!);
  return attend(b, node, parts as unknown as Projected, sumOf(b, mask, node.inputs[5]));
};

/** Inputs query, key, value, bias, key padding mask, attention bias, past key, past value. */
const multiHead: Decomposition = (b, node) => {
  const [q, k, v] = [0, 1, 2].map((position) => node.inputs[position]);
  if (!q || !k || !v || [q, k, v].some((x) => x.type.shape.length !== 3)) {
    throw refusedForm(REFUSED_FORMS["com.microsoft.MultiHeadAttention"].packed);
  }
  if (node.inputs.slice(6).some((past) => past !== undefined))
    throw refusedForm(REFUSED_FORMS["com.microsoft.MultiHeadAttention"].cache);
  const bias = node.inputs[3];
  const sizes = [q, k, v].map((x) => x.type.shape[2]!);
  const offsets = bias && splitAlong(b, bias, 0, sizes);
  const [bq, bk, bv] = [q, k, v].map((x, position) => (offsets ? b.emit("Add", [x, offsets[position]]) : x));
  const mask = maskBias(b, node, node.inputs[4], q, k.type.shape[1]!);
  return attend(b, node, [bq!, bk!, bv!], sumOf(b, mask, node.inputs[5]));
};

export const contribAttention: Readonly<Record<string, Decomposition>> = {
  "com.microsoft.Attention": packedProjection,
  "com.microsoft.MultiHeadAttention": multiHead,
};
