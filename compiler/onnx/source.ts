/** @file A node on its way from the file to the IR: what upgrade rules rewrite and decompositions read. */
import { PipewrightError } from "../errors.js";
import type { Literal, Value } from "../ir/graph.js";
import { hasPlainNumbers, isFloat, literalNumbers } from "../ir/literal.js";
import type { Emitter } from "../ops/define.js";
import type { AttrValue } from "./attributes.js";
import { checkCompileTime } from "./positions.js";

/** One node of the file with its inputs resolved. */
export interface SourceNode {
  /** Operator by its ONNX name. */
  readonly op: string;
  /** "" for ai.onnx. */
  readonly domain: string;
  /** Operator set of its domain. */
  readonly version: number;
  /** For messages: the name in the file, or its first output. */
  readonly name: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attrs: ReadonlyMap<string, AttrValue>;
  /** One per output in the file; false where it is left out. */
  readonly outputs: readonly boolean[];
}

/** What upgrade rules and decompositions may use: emitting (with folding), and constants. */
export interface ImportEmitter extends Emitter {
  /** The literal behind a value, if it is known at compile time. Folds what it depends on. */
  constant(value: Value | undefined): Literal | undefined;
  /** The same value, with its literal on it when it has one. */
  known(value: Value): Value;
  /** @throws LIMIT_EXCEEDED when so many more nodes are past the limit, before any of them is made. */
  expectNodes(count: number): void;
}

/** Rewrites a node from an older operator set. */
export type UpgradeRule = (b: ImportEmitter, node: SourceNode) => SourceNode;

/** The outputs of a node in terms of primitives; undefined where an output is not made. */
export type Decomposition = (b: ImportEmitter, node: SourceNode) => readonly (Value | undefined)[];

/** As a decomposition, where it applies; undefined where the node stays as it is. */
export type Simplification = (b: ImportEmitter, node: SourceNode) => readonly (Value | undefined)[] | undefined;

/** An integer or float attribute. @throws MODEL_MALFORMED when it has another kind, or is missing without fallback. */
export function numberAttr(node: SourceNode, name: string, fallback?: number): number {
  const value = node.attrs.get(name) ?? fallback;
  if (typeof value === "number") return value;
  throw wrongAttr(node, name, "a number", value);
}

/** A list of numbers; undefined when it is left out. @throws MODEL_MALFORMED when it has another kind. */
export function numbersAttr(node: SourceNode, name: string): readonly number[] | undefined {
  const value = node.attrs.get(name);
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((item) => typeof item === "number")) return value;
  throw wrongAttr(node, name, "a list of numbers", value);
}

/** A string attribute. @throws MODEL_MALFORMED when it has another kind. */
export function textAttr(node: SourceNode, name: string, fallback: string): string {
  const value = node.attrs.get(name) ?? fallback;
  if (typeof value === "string") return value;
  throw wrongAttr(node, name, "a string", value);
}

/** A list of strings; undefined when it is left out. @throws MODEL_MALFORMED when it has another kind. */
export function textsAttr(node: SourceNode, name: string): readonly string[] | undefined {
  const value = node.attrs.get(name);
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw wrongAttr(node, name, "a list of strings", value);
}

/** The node without some attributes. */
export function withoutAttrs(node: SourceNode, ...names: readonly string[]): SourceNode {
  return { ...node, attrs: new Map([...node.attrs].filter(([name]) => !names.includes(name))) };
}

/** The node with further attributes. */
export function withAttrs(node: SourceNode, attrs: Readonly<Record<string, AttrValue>>): SourceNode {
  return { ...node, attrs: new Map([...node.attrs, ...Object.entries(attrs)]) };
}

/** The node with an input put at `position`; inputs between the last one and it are left out. */
export function withInput(node: SourceNode, position: number, value: Value | undefined): SourceNode {
  const inputs = Array.from({ length: Math.max(node.inputs.length, position + 1) }, (_, at) => node.inputs[at]);
  inputs[position] = value;
  return { ...node, inputs };
}

/** The input at `position`. @throws MODEL_MALFORMED when it is left out. */
export function inputAt(node: SourceNode, position: number): Value {
  const value = node.inputs[position];
  if (value) return value;
  throw malformedNode(node, `input ${position} is missing; got ${node.inputs.length} inputs`);
}

/** The input at `position`, which holds floats. @throws MODEL_MALFORMED when it is left out or holds others. */
export function floatAt(node: SourceNode, position: number): Value {
  const value = inputAt(node, position);
  if (isFloat(value.type.dtype)) return value;
  throw malformedNode(node, `input ${position} is ${value.type.dtype}; expected floats`);
}

/** The numbers of an input that must be known at compile time. @throws MODEL_UNSUPPORTED when it is not. */
export function constantNumbers(b: ImportEmitter, node: SourceNode, position: number): readonly number[] {
  checkCompileTime(node.op, position);
  const literal = b.constant(inputAt(node, position));
  if (literal && hasPlainNumbers(literal.dtype)) return literalNumbers(literal);
  if (literal)
    throw unsupportedNode(`input ${position} is a constant of ${literal.dtype}, which is not supported there.`);
  throw new PipewrightError(
    "MODEL_UNSUPPORTED",
    `input ${position} is not known at compile time, so the output has no static shape.`,
  );
}

/** The error for a node that breaks its operator's rules. */
export function malformedNode(node: SourceNode, what: string): PipewrightError {
  return new PipewrightError("MODEL_MALFORMED", `node ${node.name} (${node.op}): ${what}.`, {
    node: node.name,
    op: node.op,
  });
}

/** The error for a node that is valid ONNX but has no counterpart here. */
export function unsupportedNode(what: string): PipewrightError {
  return new PipewrightError("MODEL_UNSUPPORTED", what);
}

function wrongAttr(node: SourceNode, name: string, wanted: string, value: AttrValue | undefined): PipewrightError {
  return malformedNode(
    node,
    value === undefined
      ? `attribute "${name}" is missing`
      : `attribute "${name}" is wrong; got ${String(value)}, expected ${wanted}`,
  );
}
