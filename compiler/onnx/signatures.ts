/** @file Holds nodes of ai.onnx against the forms of their operators. */
import { suggestion } from "../closest.js";
import { PipewrightError } from "../errors.js";
import type { DType } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import { formatName } from "../names.js";
import type { AttributeForm, OperatorForm } from "./operator-forms.js";
import { operatorForm } from "./operator-forms.js";
import { describe, nodeName } from "./order.js";
import { COMPILE_TIME_INPUTS, SCALAR_INPUTS } from "./positions.js";
import type { AttributeProto, NodeProto } from "./proto.js";
import type { Bound } from "./scope.js";
import { isTensor } from "./scope.js";

/** AttributeProto.AttributeType, by number. */
const KINDS: readonly string[] =
  "undefined float int string tensor graph floats ints strings tensors graphs sparse sparse_tensors type types".split(
    " ",
  );

const INTEGERS: readonly DType[] = ["int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8"];
const FLOATS: readonly DType[] = ["float32", "float64", "float16", "bfloat16"];

/** Types by their letter in the forms, and what they are called. */
const TYPES: ReadonlyMap<string, readonly [name: string, types: readonly DType[]]> = new Map([
  ["f", ["floats", FLOATS]],
  ["l", ["int64", ["int64"]]],
  ["i", ["int64 or int32", ["int64", "int32"]]],
  ["z", ["integers", INTEGERS]],
  ["n", ["numbers", [...FLOATS, ...INTEGERS]]],
  ["b", ["bool", ["bool"]]],
  ["s", ["strings", ["string"]]],
]);

/**
 * Holds a node of ai.onnx against its operator's form in the operator set; operators that are not known are passed over.
 * @throws MODEL_MALFORMED for operators, inputs, outputs and attributes that the set does not have, and for attributes of
 * another kind.
 */
export function checkSignature(node: NodeProto, opset: number): void {
  const form = operatorForm(node.op_type, opset);
  if (!form) return;
  if (form.since > opset)
    throw malformed(node, `${hasNone(opset, node.op_type)}; it came with ${form.since}. Import a newer operator set.`);
  if (form.until <= opset)
    throw malformed(node, `${hasNone(opset, node.op_type)}; it went with ${form.until}. Export the model again.`);
  checkCount(node, "inputs", node.input, form.inputs);
  checkCount(node, "outputs", node.output, form.outputs);
  const missing = form.isFull ? (node.input ?? []).indexOf("") : -1;
  if (missing >= 0) throw malformed(node, `input ${missing} is missing; all of its inputs are required.`);
  for (const attribute of node.attribute ?? []) checkAttribute(node, attribute, form, opset);
}

/**
 * @throws MODEL_MALFORMED for an input of a type that the operator has in no operator set, and for one of another form than
 * a number or a list of numbers where the operator takes that.
 */
export function checkInputTypes(node: NodeProto, opset: number, inputs: readonly (Bound | undefined)[]): void {
  const types = operatorForm(node.op_type, opset)?.types ?? [];
  for (const [position, bound] of inputs.entries()) {
    const allowed = TYPES.get(types[Math.min(position, types.length - 1)]?.[0] ?? "*");
    if (!bound || !isTensor(bound)) continue;
    const { dtype, shape } = bound.type;
    if (allowed && !allowed[1].includes(dtype))
      throw malformed(node, `input ${position} holds ${dtype}; expected ${allowed[0]}.`);
    const isOne = SCALAR_INPUTS.get(node.op_type)?.includes(position);
    if (isOne && elementCount(shape) !== 1)
      throw malformed(node, `input ${position} has ${elementCount(shape)} elements; expected one.`);
    if (shape.length > 1 && !isOne && isList(node.op_type, position))
      throw malformed(node, `input ${position} has ${shape.length} axes; expected a list of numbers.`);
  }
}

/** @throws MODEL_MALFORMED for inputs of different types where the operator has one type for them. */
export function checkSameTypes(node: NodeProto, opset: number, inputs: readonly (Bound | undefined)[]): void {
  const typeAt = (position: number): DType | undefined => {
    const bound = inputs[position];
    return bound && isTensor(bound) ? bound.type.dtype : undefined;
  };
  for (const [position, type] of (operatorForm(node.op_type, opset)?.types ?? []).entries()) {
    const [own, other] = [typeAt(position), type.length > 1 ? typeAt(Number(type[1])) : undefined];
    if (own === undefined || other === undefined || own === other) continue;
    throw malformed(
      node,
      `inputs ${type[1]} and ${position} differ in type; got ${other} and ${own}, expected one type.`,
    );
  }
}

/** Inputs that must be known at compile time are numbers or lists of them, but for the one that is looked through. */
function isList(op: string, position: number): boolean {
  return op !== "NonZero" && (COMPILE_TIME_INPUTS.get(op) ?? []).includes(position);
}

function checkAttribute(node: NodeProto, attribute: AttributeProto, form: OperatorForm, opset: number): void {
  const { name, type = 0 } = attribute;
  const named = form.attributes.filter((known) => known.name === name);
  if (named.length === 0) {
    const near = suggestion(
      name,
      form.attributes.map((known) => known.name),
    );
    throw malformed(node, `attribute ${formatName(name)} does not exist.${near} Remove it or correct its name.`);
  }
  const known = named.filter(({ since, until }) => since <= opset && opset < until);
  if (known.length === 0)
    throw malformed(node, `attribute "${name}" ${lifetime(named[0]!, opset)}; the model imports ${opset}.`);
  if (type === 0 || known.some(({ kind }) => kind === KINDS[type])) return;
  throw malformed(
    node,
    `attribute "${name}" is wrong; got ${KINDS[type] ?? "another kind"}, expected ${known[0]!.kind}.`,
  );
}

function lifetime({ since, until }: AttributeForm, opset: number): string {
  return since > opset ? `came with operator set ${since}` : `went with operator set ${until}`;
}

function hasNone(opset: number, op: string): string {
  return `operator set ${opset} has no ${op}`;
}

/** Names left out at the end do not count. */
function checkCount(node: NodeProto, what: string, names: readonly string[] = [], most: number): void {
  const given = names.findLastIndex((name) => name !== "") + 1;
  if (given <= most) return;
  throw malformed(node, `it has too many ${what}; got ${given}, expected at most ${most}. Remove the others.`);
}

function malformed(node: NodeProto, what: string): PipewrightError {
  const details = { node: nodeName(node), op: node.op_type };
  return new PipewrightError("MODEL_MALFORMED", `${describe(node)}: ${what}`, details);
}
