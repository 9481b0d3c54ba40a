/** @file Special cases of primitives that are less than the primitive: no-ops, and old forms that need several nodes. */
import type { Value } from "../../ir/graph.js";
import { elementCount, hasPlainNumbers, literalNumbers, literalOf } from "../../ir/literal.js";
import { normalizeAxis } from "../../ops/shape.js";
import { dtypeCode } from "../dtype.js";
import type { ImportEmitter, Simplification, SourceNode } from "../source.js";
import { constantNumbers, inputAt, malformedNode, numberAttr } from "../source.js";
import { expanded, shaped, sliced } from "./emission.js";

/**
 * Outside training, or with ratio 0, dropout passes its input on and its mask is all true.
 * @throws MODEL_MALFORMED for a ratio that is no share, in training or not.
 */
const dropout: Simplification = (b, node) => {
  const x = inputAt(node, 0);
  const known = b.constant(node.inputs[1]);
  const ratio = known && hasPlainNumbers(known.dtype) ? literalNumbers(known)[0]! : 0;
  if (!(ratio >= 0 && ratio < 1)) throw malformedNode(node, `the ratio is ${ratio}; expected at least 0 and below 1`);
  if (trains(b, node)) return undefined;
  const mask = (): Value => b.emit("Expand", [b.literal(literalOf("bool", [], [1])), b.int64s(x.type.shape)]);
  return [x, node.outputs[1] ? mask() : undefined];
};

function trains(b: ImportEmitter, node: SourceNode): boolean {
  if (node.version < 12) return false;
  const [ratio, mode] = [1, 2].map((position) => b.constant(node.inputs[position]));
  if (!node.inputs[2] || (mode && literalNumbers(mode)[0] === 0)) return false;
  return !(ratio && hasPlainNumbers(ratio.dtype) && literalNumbers(ratio)[0] === 0);
}

const cast: Simplification = (_b, node) => {
  const x = inputAt(node, 0);
  return node.attrs.get("to") === dtypeCode(x.type.dtype) ? [x] : undefined;
};

/** The element type of the second input is known, whatever its elements. */
const castLike: Simplification = (b, node) => {
  const [x, { type }] = [inputAt(node, 0), inputAt(node, 1)];
  return [x.type.dtype === type.dtype ? x : b.emit("Cast", [x], { to: dtypeCode(type.dtype) })];
};

/** Before opset 13 the axes from `axis` on were normalised together. */
function together(op: "Softmax" | "LogSoftmax" | "Hardmax"): Simplification {
  return (b, node) => {
    if (node.version >= 13) return undefined;
    const x = inputAt(node, 0);
    const { shape } = x.type;
    const own = normalizeAxis(numberAttr(node, "axis", 1), shape.length);
    if (own === shape.length - 1) return [b.emit(op, [x], { axis: -1 })];
    const flat = [elementCount(shape.slice(0, own)), elementCount(shape.slice(own))];
    const rows = b.emit("Reshape", [x, b.int64s(flat)]);
    return [b.emit("Reshape", [b.emit(op, [rows], { axis: 1 }), b.int64s(shape)])];
  };
}

/** Where the inner size is 0 the product is zeros, and engines then forget β. */
const gemm: Simplification = (b, node) => {
  const [left, right, bias] = [inputAt(node, 0), inputAt(node, 1), node.inputs[2]];
  const [transA, beta] = [numberAttr(node, "transA", 0), numberAttr(node, "beta", 1)];
  if (left.type.shape[transA ? 0 : 1] !== 0 || !bias || beta === 1) return undefined;
  const scaled = b.emit("Mul", [bias, b.scalar(beta, bias.type.dtype)]);
  return [b.emit("Gemm", [left, right, scaled], { transA, transB: numberAttr(node, "transB", 0) })];
};

/** A channel of one element is its own mean: the offset remains, which engines give with rounding errors. */
const instanceNormalization: Simplification = (b, node) => {
  const [x, offset] = [inputAt(node, 0), inputAt(node, 2)];
  const [, channels, ...spatial] = x.type.shape;
  if (channels === undefined || elementCount(spatial) !== 1) return undefined;
  return [expanded(b, shaped(b, offset, [channels, ...spatial]), x.type.shape)];
};

/** The greatest of no elements are none; engines end when they are asked. */
const topK: Simplification = (b, node) => {
  const x = inputAt(node, 0);
  const { shape } = x.type;
  if (elementCount(shape) > 0) return undefined;
  const axis = normalizeAxis(numberAttr(node, "axis", -1), shape.length);
  const count = constantNumbers(b, node, 1)[0]!;
  if (count > shape[axis]!) return undefined;
  const values = sliced(b, x, axis, 0, count);
  return [values, expanded(b, b.scalar(0, "int64"), values.type.shape)];
};

/** With spatial=0, which opsets 7 and 8 have, every activation is a channel of its own. */
const batchNormalization: Simplification = (b, node) => {
  if (numberAttr(node, "spatial", 1) !== 0) return undefined;
  const x = inputAt(node, 0);
  const [batch, ...activations] = x.type.shape;
  const channels = elementCount(activations);
  const rest = [1, 2, 3, 4].map((position) => shaped(b, inputAt(node, position), [channels]));
  const inputs = [shaped(b, x, [batch!, channels]), ...rest];
  const y = b.emit("BatchNormalization", inputs, { epsilon: numberAttr(node, "epsilon", 1e-5) });
  return [shaped(b, y, x.type.shape)];
};

/** Of one input, these are the input. */
const ofOne: Simplification = (_b, node) => (node.inputs.length === 1 ? [inputAt(node, 0)] : undefined);

export const simplifications: Readonly<Record<string, Simplification>> = {
  BatchNormalization: batchNormalization,
  Dropout: dropout,
  Cast: cast,
  Gemm: gemm,
  CastLike: castLike,
  InstanceNormalization: instanceNormalization,
  Softmax: together("Softmax"),
  LogSoftmax: together("LogSoftmax"),
  Hardmax: together("Hardmax"),
  Max: ofOne,
  Min: ofOne,
  Sum: ofOne,
  Mean: ofOne,
  Concat: ofOne,
  TopK: topK,
};
