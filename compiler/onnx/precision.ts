/**
 * @file Half precision at the ONNX door. Training is in float32, as mixed-precision recipes keep their master weights:
 * float16 and bfloat16 inputs, weights, constants and casts of a file are float32 in the graph. Values of the file are
 * kept exactly; what the file would round on the way is not rounded.
 * Source: Micikevicius et al. 2018, Mixed Precision Training, section 3.1.
 */
import type { DType, Literal, TensorType, Value } from "../ir/graph.js";
import type { Conversion, Half } from "../ir/half.js";
import { isHalf, narrowed, widened } from "../ir/half.js";
import { elementTypeCode, elementTypeNamed } from "../ops/element-type.js";
import type { ImportEmitter, SourceNode } from "./source.js";
import { withAttrs, withInput } from "./source.js";

/** The element type that a value of the file has in the graph. */
export function trainingDType(dtype: DType): DType {
  return isHalf(dtype) ? "float32" : dtype;
}

/** The same for a whole type. */
export function trainingType(type: TensorType): TensorType {
  return { ...type, dtype: trainingDType(type.dtype) };
}

/** A tensor of the file as the graph holds it: halves as float32, exactly. */
export function trainingLiteral(literal: Literal): Literal {
  const { dtype, shape, elements } = literal;
  return isHalf(dtype) ? { dtype: "float32", shape, elements: widened(elements as Uint16Array, dtype) } : literal;
}

/** Attributes that hold an element type. */
const TARGET = "to";
const ELEMENT_TYPES = [TARGET, "dtype", "output_dtype", "output_datatype", "softmax_precision", "stash_type"] as const;

/**
 * The node with float32 where an attribute asks for half precision; `onCast` hears of conversions. A known value that
 * the node converts is rounded as the file says, so that a mask which overflows to −∞ there does here.
 */
export function inTrainingPrecision(b: ImportEmitter, node: SourceNode, onCast: (to: Half) => void): SourceNode {
  let own = node;
  for (const name of ELEMENT_TYPES) {
    const code = node.attrs.get(name);
    const dtype = typeof code === "number" ? elementTypeNamed(code) : undefined;
    if (!dtype || !isHalf(dtype)) continue;
    own = withAttrs(own, { [name]: elementTypeCode("float32") });
    if (name !== TARGET) continue;
    onCast(dtype);
    const literal = node.inputs[0]?.literal && asFloat32(b, node.inputs[0]);
    if (literal) own = withInput(own, 0, b.literal(rounded(literal, dtype)));
  }
  return own;
}

function asFloat32(b: ImportEmitter, value: Value): Literal | undefined {
  if (value.type.dtype === "float32") return value.literal;
  if (value.type.dtype === "string") return undefined;
  return b.emit("Cast", [value], { to: elementTypeCode("float32") }).literal;
}

function rounded(literal: Literal, dtype: Half): Literal {
  return { ...literal, elements: widened(narrowed(literal.elements as Float32Array, dtype), dtype) };
}

/** Element types of a file before conversion, of its parameters, its inputs and the targets of its conversions. */
type Found = Readonly<Record<"parameters" | "inputs" | "casts", readonly (DType | undefined)[]>>;

/** Counts of what was converted, one entry per half-precision type that the file has. */
export function conversions({ parameters, inputs, casts }: Found): readonly Conversion[] {
  const count = (list: readonly (DType | undefined)[], from: Half): number => list.filter((own) => own === from).length;
  return (["float16", "bfloat16"] as const)
    .map((from) => ({
      from,
      parameters: count(parameters, from),
      inputs: count(inputs, from),
      casts: count(casts, from),
    }))
    .filter((found) => found.parameters + found.inputs + found.casts > 0);
}
