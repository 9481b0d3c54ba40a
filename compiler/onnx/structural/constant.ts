/** @file Constant and Identity. */
import { formatName } from "../../names.js";
import { listed } from "../../ir/listed.js";
import { PipewrightError } from "../../errors.js";
import type { Literal, TensorType, Value } from "../../ir/graph.js";
import { allocateElements, elementCount, isFloat, literalNumbers, literalOf } from "../../ir/literal.js";
import { attributeValue } from "../attributes.js";
import { overLimit } from "../limits.js";
import type { CallSite, Lowering } from "../lowering.js";
import { describe } from "../order.js";
import { isExternal } from "../external.js";
import { isParameterName } from "../parameter-names.js";
import { trainingDType, trainingType } from "../precision.js";
import type { AttributeProto } from "../proto.js";
import { bigOf } from "../proto.js";
import { sparseLiteral } from "../sparse.js";
import { floatsTensor, tensorType } from "../tensor-data.js";
import { weightSource } from "../weights.js";
import type { Handler } from "./handler.js";
import { boundInput, constantInput, malformedSite } from "./handler.js";

/** A literal; a weight, or a tensor with more elements than are folded, becomes a parameter, named after the output. */
const constant: Handler = (lowering, site) => {
  const attributes = [...lowering.attributes(site.node, site.scope).values()];
  if (attributes.length !== 1) throw malformedSite(site, `it has ${attributes.length} attributes; expected one value`);
  const attribute = attributes[0]!;
  const weight = parameter(lowering, site, attribute);
  if (weight) return [weight];
  const literal = constantLiteral(site, attribute);
  const name = site.node.output![0]!;
  if (isHeld(lowering, literal, name)) lowering.constants.add(site.scope.prefix + name);
  return [lowering.emitter.literal(literal)];
};

function parameter(lowering: Lowering, site: CallSite, attribute: AttributeProto): Value | undefined {
  const where = describe(site.node);
  const isList = attribute.name === "value_floats";
  const t = isList ? floatsTensor(attribute) : attribute.t;
  if (!t) return undefined;
  const type = tensorType(t, where);
  const name = site.node.output![0]!;
  const small = isList || (elementCount(type.shape) <= lowering.limits.foldedElements && !isExternal(t));
  if (type.dtype === "string" || (small && !isWeight(lowering, site, name, type))) return undefined;
  return lowering.param(site.scope.prefix + name, trainingType(type), weightSource(t, type, where));
}

/** Only the main graph has a place for trained values. One number is a setting more often than a weight. */
function isWeight({ weightReads }: Lowering, { scope }: CallSite, name: string, { dtype, shape }: TensorType): boolean {
  const canTrain = trainingDType(dtype) === "float32" && elementCount(shape) > 1;
  return canTrain && scope.depth === 0 && weightReads.main.has(name) && isParameterName(name);
}

/** True for a constant that may be meant as a weight: several numbers, or one that somebody named. */
function isHeld({ weightReads }: Lowering, { dtype, shape }: Literal, name: string): boolean {
  const mayTrain = isFloat(dtype) && (elementCount(shape) > 1 || isParameterName(name));
  return mayTrain && weightReads.anywhere.has(name);
}

function constantLiteral(site: CallSite, attribute: AttributeProto): Literal {
  const where = describe(site.node);
  if (attribute.sparse_tensor) return sparseLiteral(attribute.sparse_tensor, where);
  const integers = attribute.name === "value_int" ? [attribute.i ?? 0] : (attribute.ints ?? []);
  switch (attribute.name) {
    case "value_int":
      return { dtype: "int64", shape: [], elements: BigInt64Array.from(integers, bigOf) };
    case "value_ints":
      return { dtype: "int64", shape: [integers.length], elements: BigInt64Array.from(integers, bigOf) };
    case "value_float":
      return literalOf("float32", [], [attribute.f ?? 0]);
    case "value_floats":
      return literalOf("float32", [attribute.floats?.length ?? 0], attribute.floats ?? []);
  }
  const value = attributeValue(attribute, where);
  if (attribute.name === "value_string" && typeof value === "string") {
    return { dtype: "string", shape: [], elements: [value] };
  }
  if (attribute.name === "value_strings" && Array.isArray(value)) {
    return { dtype: "string", shape: [value.length], elements: value.map(String) };
  }
  if (typeof value === "object" && "dtype" in value) return value;
  throw new PipewrightError(
    "MODEL_MALFORMED",
    `${where}: attribute ${formatName(attribute.name)} is no value of a constant.`,
  );
}

/**
 * A tensor of one value. Float ones that are named like a parameter (exporters of weightless models write weights so)
 * become parameters; small ones become literals; others are a scalar, expanded.
 */
const constantOfShape: Handler = (lowering, site) => {
  const { emitter, limits } = lowering;
  const shape = numbersOf(lowering, site);
  const given = lowering.attributes(site.node, site.scope).get("value");
  const value = given ? constantLiteral(site, given) : literalOf("float32", [1], [0]);
  if (elementCount(value.shape) !== 1)
    throw malformedSite(site, `attribute "value" has ${elementCount(value.shape)} elements; expected 1`);
  const count = elementCount(shape);
  if (count > limits.tensorElements)
    throw overLimit("tensorElements", `size of the output of ${describe(site.node)}`, count, limits.tensorElements);
  const name = site.node.output![0]!;
  if (isFloat(value.dtype) && shape.length > 0 && isParameterName(name)) {
    const fill = Number((value.elements as Float32Array)[0]);
    const dtype = given?.t ? tensorType(given.t, describe(site.node)).dtype : value.dtype;
    const source = { kind: "fill", value: fill, dtype } as const;
    return [lowering.param(site.scope.prefix + name, { dtype: value.dtype, shape }, source)];
  }
  const scalar = { ...value, shape: [] };
  if (count <= limits.foldedElements) return [emitter.literal(filled(scalar, shape))];
  return [emitter.emit("Expand", [emitter.literal(scalar), emitter.int64s(shape)])];
};

function numbersOf(lowering: Lowering, site: CallSite): readonly number[] {
  const literal = constantInput(lowering, site, 0);
  if (!literal) throw malformedSite(site, "input 0 is missing");
  const shape = literalNumbers(literal);
  if (shape.some((size) => size < 0)) throw malformedSite(site, `the shape [${shape.join(",")}] has a negative size`);
  return shape;
}

function filled(scalar: Literal, shape: readonly number[]): Literal {
  const count = elementCount(shape);
  const { dtype, elements } = scalar;
  if (dtype === "string") return { dtype, shape, elements: listed(count, () => (elements as readonly string[])[0]!) };
  const storage = allocateElements(dtype, count);
  if (storage instanceof BigInt64Array || storage instanceof BigUint64Array)
    storage.fill((elements as BigInt64Array)[0]!);
  else storage.fill((elements as Float32Array)[0]!);
  return { dtype, shape, elements: storage };
}

/** The same value under a second name. */
const identity: Handler = (_lowering, site) => [boundInput(site, 0)];

export const constants = { Constant: constant, ConstantOfShape: constantOfShape, Identity: identity };
