/**
 * @file Attention of opsets 23 to 25 as MatMul, Where and Softmax.
 *
 * Positions that may not be attended get the lowest finite score and probability 0, so that a query without any key
 * gives zeros, and its gradient is 0 as well, where scores of -inf would give NaN.
 * Source: ONNX Attention-25. Not taken over: a float mask of -inf for all keys of a query gives NaN here.
 */
import { listed } from "../../ir/listed.js";
import type { DType, Value } from "../../ir/graph.js";
import { isFloat } from "../../ir/literal.js";
import type { Decomposition, ImportEmitter, SourceNode } from "../source.js";
import { inputAt, malformedNode, numberAttr } from "../source.js";
import { dtypeOf } from "../dtype.js";
import { cast, concatenated, expanded, permuted, scalarOf, shaped } from "./emission.js";

/** What each key position is compared with: queries start at `offset` among the keys. */
interface Positions {
  readonly queries: number;
  readonly keys: number;
  /** A number, or one per sample: [batch, 1, 1, 1]. */
  readonly offset: number | Value;
}

const LOWEST = { float32: -3.4028234663852886e38, float64: -1.7976931348623157e308 };

export const attention: Decomposition = (b, node) => {
  const flat = inputAt(node, 0).type.shape.length === 3;
  const q = heads(b, node, 0, "q_num_heads");
  const keys = withPast(b, heads(b, node, 1, "kv_num_heads"), node.inputs[4]);
  const values = withPast(b, heads(b, node, 2, "kv_num_heads"), node.inputs[5]);
  const [batch, queryHeads, queries, headSize] = q.type.shape as readonly [number, number, number, number];
  const scale = numberAttr(node, "scale", 1 / Math.sqrt(headSize));
  const k = repeated(b, node, keys, queryHeads);
  const raw = b.emit("MatMul", [
    b.emit("Mul", [q, scalarOf(b, scale, q)]),
    b.emit("Transpose", [k], { perm: [0, 1, 3, 2] }),
  ]);
  const cap = numberAttr(node, "softcap", 0);
  const capped =
    cap > 0
      ? b.emit("Mul", [b.emit("Tanh", [b.emit("Div", [raw, scalarOf(b, cap, raw)])]), scalarOf(b, cap, raw)])
      : raw;
  const positions: Positions = { queries, keys: k.type.shape[2]!, offset: offsetOf(b, node, queries, batch) };
  const mask = node.inputs[3] && paddedMask(b, cast(b, node.inputs[3], maskType(node.inputs[3], q)), positions.keys);
  const biased = mask && isFloat(mask.type.dtype) ? b.emit("Add", [capped, mask]) : capped;
  const allowed = allowedKeys(b, node, mask, positions);
  const probabilities = softmax(b, node, biased, allowed);
  const y = b.emit("MatMul", [probabilities, repeated(b, node, values, queryHeads)]);
  const scores = [raw, capped, biased, probabilities][numberAttr(node, "qk_matmul_output_mode", 0)];
  if (!scores) throw malformedNode(node, `attribute "qk_matmul_output_mode" is outside 0..3`);
  return [
    flat ? shaped(b, permuted(b, y, [0, 2, 1, 3]), [batch, queries, queryHeads * y.type.shape[3]!]) : y,
    keys,
    values,
    scores === biased && allowed && scores !== raw ? withMinusInfinity(b, biased, allowed) : scores,
  ];
};

/** Input as [batch, heads, sequence, size]. */
function heads(b: ImportEmitter, node: SourceNode, position: number, attribute: string): Value {
  const x = inputAt(node, position);
  const { shape } = x.type;
  if (shape.length === 4) return x;
  const count = numberAttr(node, attribute);
  if (shape.length !== 3 || count < 1 || shape[2]! % count !== 0) {
    throw malformedNode(node, `input ${position} of shape [${shape.join(",")}] does not have ${count} heads`);
  }
  return permuted(b, shaped(b, x, [shape[0]!, shape[1]!, count, shape[2]! / count]), [0, 2, 1, 3]);
}

function withPast(b: ImportEmitter, x: Value, past: Value | undefined): Value {
  return past ? b.emit("Concat", [past, x], { axis: 2 }) : x;
}

/** Each head of keys or values as often as there are query heads for it. */
function repeated(b: ImportEmitter, node: SourceNode, x: Value, count: number): Value {
  const [batch, own, length, size] = x.type.shape as readonly [number, number, number, number];
  if (own === count) return x;
  if (own === 0 || count % own !== 0)
    throw malformedNode(node, `${count} query heads do not share ${own} heads of keys`);
  const wide = b.emit("Unsqueeze", [x, b.int64s([2])]);
  return shaped(b, expanded(b, wide, [batch, own, count / own, length, size]), [batch, count, length, size]);
}

function offsetOf(b: ImportEmitter, node: SourceNode, queries: number, batch: number): number | Value {
  const lengths = node.inputs[6];
  if (!lengths) return node.inputs[4]?.type.shape[2] ?? 0;
  const column = shaped(b, cast(b, lengths, "int64"), [batch, 1, 1, 1]);
  return b.emit("Sub", [column, b.scalar(queries, "int64")]);
}

/** Masks of numbers are added to the scores, whatever their type. */
function maskType({ type: { dtype } }: Value, q: Value): DType {
  return dtype === "bool" || isFloat(dtype) ? dtype : q.type.dtype;
}

/** A mask for fewer keys is continued by "not allowed". */
function paddedMask(b: ImportEmitter, mask: Value, keys: number): Value {
  const { shape } = mask.type;
  const missing = keys - shape[shape.length - 1]!;
  if (missing <= 0 || shape[shape.length - 1] === 1) return mask;
  const filler = mask.type.dtype === "bool" ? b.scalar(0, "bool") : scalarOf(b, -Infinity, mask);
  const rest = expanded(b, filler, [...shape.slice(0, -1), missing]);
  return concatenated(b, [mask, rest], shape.length - 1);
}

/** Which keys each query may attend: broadcasts to [batch, heads, queries, keys]. Undefined: all of them. */
function allowedKeys(b: ImportEmitter, node: SourceNode, mask: Value | undefined, at: Positions): Value | undefined {
  const { queries, keys, offset } = at;
  const range = (count: number): readonly number[] => listed(count, (position) => position);
  const key = (): Value => shaped(b, b.int64s(range(keys)), [1, keys]);
  /** The last key for each query, `reach` beyond its own position. */
  const frontier = (reach: number): Value => {
    const own = shaped(
      b,
      b.int64s(range(queries).map((query) => query + reach + (typeof offset === "number" ? offset : 0))),
      [queries, 1],
    );
    return typeof offset === "number" ? own : b.emit("Add", [own, offset]);
  };
  const [left, right] = [numberAttr(node, "left_window_size", -1), numberAttr(node, "right_window_size", -1)];
  const tests: Value[] = [];
  if (numberAttr(node, "is_causal", 0)) tests.push(b.emit("LessOrEqual", [key(), frontier(0)]));
  if (left >= 0) tests.push(b.emit("GreaterOrEqual", [key(), frontier(-left)]));
  if (right >= 0) tests.push(b.emit("LessOrEqual", [key(), frontier(right)]));
  if (node.inputs[6]) {
    const lengths = shaped(b, cast(b, node.inputs[6], "int64"), [node.inputs[6].type.shape[0]!, 1, 1, 1]);
    tests.push(b.emit("Less", [key(), lengths]));
  }
  if (mask?.type.dtype === "bool") tests.push(mask);
  return tests.length === 0 ? undefined : tests.reduce((both, test) => b.emit("And", [both, test]));
}

function softmax(b: ImportEmitter, node: SourceNode, scores: Value, allowed: Value | undefined): Value {
  const code = numberAttr(node, "softmax_precision", 0);
  const precise = code === 0 ? scores : cast(b, scores, dtypeOf(code, `node ${node.name}`));
  if (!allowed) return cast(b, b.emit("Softmax", [precise], { axis: -1 }), scores.type.dtype);
  const lowest = scalarOf(b, LOWEST[precise.type.dtype as keyof typeof LOWEST], precise);
  const probabilities = b.emit("Softmax", [b.emit("Where", [allowed, precise, lowest])], { axis: -1 });
  return cast(b, b.emit("Where", [allowed, probabilities, scalarOf(b, 0, probabilities)]), scores.type.dtype);
}

function withMinusInfinity(b: ImportEmitter, scores: Value, allowed: Value): Value {
  return b.emit("Where", [allowed, scores, scalarOf(b, -Infinity, scores)]);
}
