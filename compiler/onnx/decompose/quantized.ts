/**
 * @file Quantisation as arithmetic on floats: whole numbers times a scale, from a zero point. Gradients reach scales and
 * what is dequantised from floats; rounding stops them. Source: ONNX QuantizeLinear-23, DynamicQuantizeLinear-11.
 */
import type { DType, Value } from "../../ir/graph.js";
import { isFloat, literalNumbers } from "../../ir/literal.js";
import { normalizeAxis } from "../../ops/shape.js";
import { dtypeOf } from "../dtype.js";
import type { Decomposition, ImportEmitter, SourceNode } from "../source.js";
import { REFUSED_FORMS, refusedForm } from "../refused-forms.js";
import { inputAt, malformedNode, numberAttr } from "../source.js";
import { cast, expanded, scalarOf, shaped, sliced } from "./emission.js";

/** Least and greatest number of the types that numbers are rounded to. */
const RANGES: ReadonlyMap<DType, readonly [number, number]> = new Map<DType, readonly [number, number]>([
  ["int8", [-128, 127]],
  ["uint8", [0, 255]],
  ["int16", [-32768, 32767]],
  ["uint16", [0, 65535]],
]);

/** A scale or zero point in a shape that broadcasts to x: of all of x, of each slice of an axis, or of blocks of it. */
function spread(b: ImportEmitter, node: SourceNode, part: Value, x: Value): Value {
  const [own, shape] = [part.type.shape, x.type.shape];
  if (own.length === 0 || (own.length === 1 && own[0] === 1)) return shaped(b, part, []);
  const axis = normalizeAxis(numberAttr(node, "axis", 1), shape.length);
  const block = numberAttr(node, "block_size", 0);
  if (block === 0) {
    if (own.length === 1 && own[0] === shape[axis])
      return shaped(
        b,
        part,
        shape.map((size, at) => (at === axis ? size : 1)),
      );
    throw malformedNode(node, `one scale for each of ${shape[axis]} slices expected; got [${own.join(",")}]`);
  }
  const blocks = Math.ceil(shape[axis]! / block);
  if (own.join() !== shape.map((size, at) => (at === axis ? blocks : size)).join())
    throw malformedNode(node, `scales [${own.join(",")}] do not fit blocks of ${block} of [${shape.join(",")}]`);
  const wide = [...own.slice(0, axis + 1), block, ...own.slice(axis + 1)];
  const whole = own.map((size, at) => (at === axis ? size * block : size));
  const repeated = shaped(b, expanded(b, b.emit("Unsqueeze", [part, b.int64s([axis + 1])]), wide), whole);
  return sliced(b, repeated, axis, 0, shape[axis]!);
}

/** @throws MODEL_MALFORMED for a scale that divides by 0 or is no number. */
function checkScale(b: ImportEmitter, node: SourceNode, scale: Value): void {
  const known = b.constant(scale);
  const wrong = known && literalNumbers(known).find((number) => number === 0 || Number.isNaN(number));
  if (wrong !== undefined) throw malformedNode(node, `input 1 holds a scale of ${wrong}; expected others`);
}

const dequantize: Decomposition = (b, node) => {
  const [x, scale, zero] = [inputAt(node, 0), inputAt(node, 1), node.inputs[2]];
  const wide = spread(b, node, scale, x);
  const number = cast(b, x, scale.type.dtype);
  const shifted = zero ? b.emit("Sub", [number, cast(b, spread(b, node, zero, x), scale.type.dtype)]) : number;
  const code = numberAttr(node, "output_dtype", 0);
  const y = b.emit("Mul", [shifted, wide]);
  return [code === 0 ? y : cast(b, y, dtypeOf(code, `node ${node.name}`))];
};

/** Rounds x / scale + zero to a type, its ends for what lies beyond. */
function rounded(b: ImportEmitter, ratio: Value, zero: Value | undefined, dtype: DType): Value {
  const range = RANGES.get(dtype);
  if (!range) throw refusedForm(REFUSED_FORMS.QuantizeLinear.narrow, dtype);
  const whole = b.emit("Round", [ratio]);
  const moved = zero ? b.emit("Add", [whole, cast(b, zero, whole.type.dtype)]) : whole;
  return cast(b, b.emit("Clip", [moved, ...range.map((end) => scalarOf(b, end, moved))]), dtype);
}

const quantize: Decomposition = (b, node) => {
  const [x, scale, zero] = [inputAt(node, 0), inputAt(node, 1), node.inputs[2]];
  const code = numberAttr(node, "output_dtype", 0);
  const dtype = zero?.type.dtype ?? (code === 0 ? "uint8" : dtypeOf(code, `node ${node.name}`));
  checkScale(b, node, scale);
  const number = isFloat(x.type.dtype) ? x : cast(b, x, "float32");
  const ratio = b.emit("Div", [number, cast(b, spread(b, node, scale, x), number.type.dtype)]);
  return [rounded(b, ratio, zero && spread(b, node, zero, x), dtype)];
};

/** Scale and zero point from the range of x, 0 included. */
const dynamicQuantize: Decomposition = (b, node) => {
  const x = inputAt(node, 0);
  const zero = scalarOf(b, 0, x);
  const least = b.emit("Min", [b.emit("ReduceMin", [x], { keepdims: 0 }), zero]);
  const most = b.emit("Max", [b.emit("ReduceMax", [x], { keepdims: 0 }), zero]);
  const scale = b.emit("Div", [b.emit("Sub", [most, least]), scalarOf(b, 255, x)]);
  const start = rounded(b, b.emit("Div", [b.emit("Neg", [least]), scale]), undefined, "uint8");
  return [rounded(b, b.emit("Div", [x, scale]), start, "uint8"), scale, start];
};

/** Products of whole numbers less their zero points, in int32. */
const integerMatMul: Decomposition = (b, node) => {
  const side = (position: 0 | 1): Value => {
    const [x, zero] = [cast(b, inputAt(node, position), "int32"), node.inputs[position + 2]];
    if (!zero) return x;
    const { shape } = zero.type;
    const isPerRow = position === 0 && shape.length === 1 && shape[0] !== 1;
    return b.emit("Sub", [x, cast(b, isPerRow ? shaped(b, zero, [shape[0]!, 1]) : zero, "int32")]);
  };
  return [b.emit("MatMul", [side(0), side(1)])];
};

export const quantized: Readonly<Record<string, Decomposition>> = {
  DequantizeLinear: dequantize,
  DynamicQuantizeLinear: dynamicQuantize,
  MatMulInteger: integerMatMul,
  QuantizeLinear: quantize,
};
