/** @file Comparisons, logic and bit operations of two inputs: outputs without gradient. */
import type { TensorType } from "../ir/graph.js";
import type { NoAttrs, OpDef, Operand } from "./define.js";
import { noAttrs, required, text } from "./define.js";
import { inferArithmetic } from "./binary.js";
import type { ElementFunction } from "./fold.js";
import { foldElements, foldTest } from "./fold.js";
import { mismatch } from "./shape.js";
import { perElement } from "./work.js";

type PlainOp =
  | "Equal"
  | "Greater"
  | "GreaterOrEqual"
  | "Less"
  | "LessOrEqual"
  | "And"
  | "Or"
  | "Xor"
  | "BitwiseAnd"
  | "BitwiseOr"
  | "BitwiseXor";

export type CompareAttrs = { readonly [K in PlainOp]: NoAttrs } & {
  readonly BitShift: { readonly direction: "LEFT" | "RIGHT" };
};

function inferTest(x: readonly (Operand | undefined)[]): readonly TensorType[] {
  return inferArithmetic(x).map(({ shape }) => ({ dtype: "bool", shape }));
}

function inferLogic(x: readonly (Operand | undefined)[]): readonly TensorType[] {
  const types = inferArithmetic(x);
  if (types[0]!.dtype !== "bool") throw mismatch(`inputs are ${types[0]!.dtype}; expected bool.`);
  return types;
}

function inferBits(x: readonly (Operand | undefined)[]): readonly TensorType[] {
  const types = inferArithmetic(x);
  if (!/^u?int/.test(types[0]!.dtype)) throw mismatch(`inputs are ${types[0]!.dtype}; expected integers.`);
  return types;
}

function compare(test: <T extends number | bigint>(a: T, c: T) => boolean): OpDef<PlainOp> {
  return {
    attributes: noAttrs,
    infer: inferTest,
    work: perElement(1),
    grad: { none: "the output is bool" },
    fold: foldTest(test),
  };
}

function logic(test: (a: boolean, c: boolean) => boolean): OpDef<PlainOp> {
  return {
    attributes: noAttrs,
    infer: inferLogic,
    work: perElement(1),
    grad: { none: "the output is bool" },
    fold: foldElements({ float: (a, c) => Number(test(a !== 0, c !== 0)) }),
  };
}

function bits(integer: NonNullable<ElementFunction["integer"]>): OpDef<PlainOp> {
  return {
    attributes: noAttrs,
    infer: inferBits,
    work: perElement(1),
    grad: { none: "the output is an integer" },
    fold: foldElements({ float: () => NaN, integer }),
  };
}

export const comparison: { readonly [K in keyof CompareAttrs]: OpDef<K> } = {
  Equal: compare((a, c) => a === c),
  Greater: compare((a, c) => a > c),
  GreaterOrEqual: compare((a, c) => a >= c),
  Less: compare((a, c) => a < c),
  LessOrEqual: compare((a, c) => a <= c),
  And: logic((a, c) => a && c),
  Or: logic((a, c) => a || c),
  Xor: logic((a, c) => a !== c),
  BitwiseAnd: bits((a, c) => a! & c!),
  BitwiseOr: bits((a, c) => a! | c!),
  BitwiseXor: bits((a, c) => a! ^ c!),
  BitShift: {
    attributes: { direction: required(text<"LEFT" | "RIGHT">()) },
    infer: inferBits,
    work: perElement(1),
    grad: { none: "the output is an integer" },
  },
};
