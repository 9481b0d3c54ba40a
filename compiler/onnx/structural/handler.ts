/** @file What handlers of structural nodes share. */
import { PipewrightError } from "../../errors.js";
import type { Literal, Value } from "../../ir/graph.js";
import { elementCount, literalNumbers } from "../../ir/literal.js";
import type { AttrValue } from "../attributes.js";
import { attributeValue } from "../attributes.js";
import type { CallSite, Lowering } from "../lowering.js";
import { describe } from "../order.js";
import { checkCompileTime } from "../positions.js";
import type { GraphProto } from "../proto.js";
import type { Bound, Sequence } from "../scope.js";
import { isTensor } from "../scope.js";
import { unsupportedNode } from "../source.js";

/** Gives the outputs of a node that is more than one operator of the IR, or none. */
export type Handler = (lowering: Lowering, site: CallSite) => readonly (Bound | undefined)[];

/** The error for a structural node that breaks its rules. */
export function malformedSite({ node }: CallSite, what: string): PipewrightError {
  return new PipewrightError("MODEL_MALFORMED", `${describe(node)}: ${what}.`, { node: node.name });
}

/** The tensor at an input. @throws MODEL_MALFORMED when it is left out; MODEL_UNSUPPORTED when it is no tensor. */
export function tensorInput(site: CallSite, position: number): Value {
  const bound = boundInput(site, position);
  if (isTensor(bound)) return bound;
  throw unsupportedNode(`input ${position} is a ${bound.kind} where a tensor is needed.`);
}

/** The sequence at an input. @throws as `tensorInput`. */
export function sequenceInput(site: CallSite, position: number): Sequence {
  const bound = boundInput(site, position);
  if (!isTensor(bound) && bound.kind === "sequence") return bound;
  throw unsupportedNode(`input ${position} is no sequence of known length.`);
}

/** Whatever is at an input. @throws MODEL_MALFORMED when it is left out. */
export function boundInput(site: CallSite, position: number): Bound {
  const bound = site.inputs[position];
  if (bound) return bound;
  throw malformedSite(site, `input ${position} is missing`);
}

/** The literal at an optional input; undefined when it is left out. @throws MODEL_UNSUPPORTED when it is not constant. */
export function constantInput(lowering: Lowering, site: CallSite, position: number): Literal | undefined {
  checkCompileTime(site.node.op_type, position);
  if (!site.inputs[position]) return undefined;
  const literal = lowering.emitter.constant(tensorInput(site, position));
  if (literal) return literal;
  throw unsupportedNode(
    `input ${position} (${site.node.input![position]}) depends on what is fed, so it is not known at compile time.`,
  );
}

/** The one number at an optional input; undefined when it is left out. @throws as `constantInput`. */
export function constantNumber(lowering: Lowering, site: CallSite, position: number): number | undefined {
  const literal = constantInput(lowering, site, position);
  if (literal && elementCount(literal.shape) !== 1)
    throw malformedSite(site, `input ${position} has ${elementCount(literal.shape)} elements; expected one`);
  return literal && literalNumbers(literal)[0];
}

/** The one truth value at an optional input, in the same way. */
export function constantTruth(lowering: Lowering, site: CallSite, position: number): boolean | undefined {
  const literal = constantInput(lowering, site, position);
  if (literal && literal.dtype !== "bool")
    throw malformedSite(site, `input ${position} is ${literal.dtype}; expected a condition of bool`);
  const number = constantNumber(lowering, site, position);
  return number === undefined ? undefined : number !== 0;
}

/** The value of an attribute that is no graph; undefined when it is left out. */
function siteAttr(lowering: Lowering, { node, scope }: CallSite, name: string): AttrValue | undefined {
  const attribute = lowering.attributes(node, scope).get(name);
  return attribute && attributeValue(attribute, describe(node));
}

/** An integer attribute. @throws MODEL_MALFORMED when it has another kind. */
export function siteNumber(lowering: Lowering, site: CallSite, name: string, fallback: number): number {
  const value = siteAttr(lowering, site, name) ?? fallback;
  if (typeof value === "number") return value;
  throw malformedSite(site, `attribute "${name}" is wrong; got ${String(value)}, expected a number`);
}

/** A list of integers. @throws MODEL_MALFORMED when it has another kind. */
export function siteNumbers(lowering: Lowering, site: CallSite, name: string): readonly number[] | undefined {
  const value = siteAttr(lowering, site, name);
  if (value === undefined || (Array.isArray(value) && value.every((item) => typeof item === "number"))) return value;
  throw malformedSite(site, `attribute "${name}" is wrong; expected a list of numbers`);
}

/** An inner graph. @throws MODEL_MALFORMED when it is missing. */
export function siteGraph(lowering: Lowering, site: CallSite, name: string): GraphProto {
  const graph = lowering.attributes(site.node, site.scope).get(name)?.g;
  if (graph) return graph;
  throw malformedSite(site, `attribute "${name}" holds no graph`);
}
