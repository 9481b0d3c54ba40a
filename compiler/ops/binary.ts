/** @file Elementwise arithmetic of two inputs that broadcast. */
import type { TensorType, Value } from "../ir/graph.js";
import { hasPlainNumbers, isFloat, literalNumbers } from "../ir/literal.js";
import { unbroadcast } from "./broadcast.js";
import type { Emitter, NoAttrs, OpDef, Operand } from "./define.js";
import { int, noAttrs } from "./define.js";
import { elementTypeCode } from "./element-type.js";
import { div, equal, mul, neg, select, sub } from "./expression.js";
import { foldElements } from "./fold.js";
import { broadcastShapes, mismatch, typeAt } from "./shape.js";
import { perElement } from "./work.js";

export interface BinaryAttrs {
  Add: NoAttrs;
  Sub: NoAttrs;
  Mul: NoAttrs;
  Div: NoAttrs;
  Pow: NoAttrs;
  /** `fmod` 1: the sign of the dividend, as C has it; 0: the sign of the divisor, integers only. */
  Mod: { readonly fmod: number };
}

/** Shape rule of arithmetic: equal element types, shapes broadcast. */
export function inferArithmetic(x: readonly (Operand | undefined)[]): readonly TensorType[] {
  const [a, c] = [typeAt(x, 0), typeAt(x, 1)];
  if (a.dtype !== c.dtype) throw mismatch(`element types differ; got ${a.dtype} and ${c.dtype}.`);
  return [{ dtype: a.dtype, shape: broadcastShapes(a.shape, c.shape) }];
}

/** Both gradients, each summed back to the shape of its input. */
function toShapes(b: Emitter, x: readonly (Value | undefined)[], da: Value, dc: Value): readonly Value[] {
  return [unbroadcast(b, da, x[0]!.type.shape), unbroadcast(b, dc, x[1]!.type.shape)];
}

export const binary: { readonly [K in keyof BinaryAttrs]: OpDef<K> } = {
  Add: {
    attributes: noAttrs,
    infer: inferArithmetic,
    work: perElement(1),
    grad: (b, { x, dy: [dy] }) => toShapes(b, x, dy!, dy!),
    fold: foldElements({ float: (a, c) => a! + c!, integer: (a, c) => a! + c! }),
  },
  Sub: {
    attributes: noAttrs,
    infer: inferArithmetic,
    work: perElement(1),
    grad: (b, { x: [a, c], dy: [dy] }) => [
      unbroadcast(b, dy!, a!.type.shape),
      neg(b, unbroadcast(b, dy!, c!.type.shape)),
    ],
    fold: foldElements({ float: (a, c) => a! - c!, integer: (a, c) => a! - c! }),
  },
  // y = a·c  =>  da = dy·c,  dc = dy·a
  Mul: {
    attributes: noAttrs,
    infer: inferArithmetic,
    work: perElement(1),
    grad: (b, { x, dy: [dy] }) => toShapes(b, x, mul(b, dy!, x[1]!), mul(b, dy!, x[0]!)),
    fold: foldElements({ float: (a, c) => a! * c!, integer: (a, c) => a! * c! }),
  },
  // y = a/c  =>  da = dy/c,  dc = −dy·y/c: from y, so that a need not be kept
  Div: {
    attributes: noAttrs,
    infer: inferArithmetic,
    work: perElement(1),
    grad: (b, { x, y: [y], dy: [dy] }) => {
      const quotient = div(b, dy!, x[1]!);
      return toShapes(b, x, quotient, neg(b, mul(b, quotient, y!)));
    },
    fold: foldElements({ float: (a, c) => a! / c!, integer: (a, c) => (c === 0n ? undefined : a! / c!) }),
  },
  Pow: {
    attributes: noAttrs,
    infer: (x) => [{ dtype: typeAt(x, 0).dtype, shape: broadcastShapes(typeAt(x, 0).shape, typeAt(x, 1).shape) }],
    work: perElement(10),
    grad: (b, { x: [a, c], y: [y], dy: [dy] }) => {
      const da = unbroadcast(b, mul(b, dy!, powerSlope(b, a!, c!)), a!.type.shape);
      if (c!.literal || !isFloat(c!.type.dtype)) return [da, undefined];
      return [da, unbroadcast(b, mul(b, dy!, exponentSlope(b, a!, c!, y!)), c!.type.shape)];
    },
    fold: foldElements({ float: (a, c) => a! ** c!, integer: (a, c) => (c! < 0n ? undefined : a! ** c!) }),
  },
  // With fmod, y = a − trunc(a/c)·c  =>  da = dy,  dc = −dy·trunc(a/c). Integers get no gradient.
  Mod: {
    attributes: { fmod: int(0) },
    infer: (x, { fmod }) => {
      const [type] = inferArithmetic(x);
      if (fmod === 0 && isFloat(type!.dtype)) throw mismatch(`attribute "fmod" is 0; expected 1 for ${type!.dtype}.`);
      return [type!];
    },
    work: perElement(4),
    grad: (b, { x, y: [y], dy: [dy] }) => {
      const quotient = b.emit("Round", [div(b, sub(b, x[0]!, y!), x[1]!)]);
      return toShapes(b, x, dy!, neg(b, mul(b, dy!, quotient)));
    },
    fold: (x, attrs, y) => {
      const { fmod } = attrs;
      const integer = (a?: bigint, c?: bigint): bigint | undefined => {
        if (c === 0n) return undefined;
        const rest = a! % c!;
        return fmod || rest === 0n || rest < 0n === c! < 0n ? rest : rest + c!;
      };
      return foldElements({ float: (a, c) => a! % c!, integer })(x, attrs, y);
    },
  },
};

/** c·aᶜ⁻¹, and 0 where c = 0 whatever a is. */
function powerSlope(b: Emitter, a: Value, c: Value): Value {
  const { dtype } = a.type;
  const exponent = literalScalar(c);
  if (exponent !== undefined) return constantPowerSlope(b, a, exponent);
  const power = c.type.dtype === dtype ? c : b.emit("Cast", [c], { to: elementTypeCode(dtype) });
  const slope = mul(b, power, b.emit("Pow", [a, sub(b, power, 1)]));
  return select(b, equal(b, power, 0), 0, slope);
}

function literalScalar(c: Value): number | undefined {
  if (!c.literal || !hasPlainNumbers(c.literal.dtype)) return undefined;
  const numbers = literalNumbers(c.literal);
  return numbers.length === 1 ? numbers[0] : undefined;
}

function constantPowerSlope(b: Emitter, a: Value, exponent: number): Value {
  if (exponent === 0) return mul(b, a, 0);
  if (exponent === 1) return b.scalar(1, a.type.dtype);
  const power = exponent === 2 ? a : b.emit("Pow", [a, b.scalar(exponent - 1, a.type.dtype)]);
  return mul(b, power, exponent);
}

/** aᶜ·ln a, and 0 where a = 0 and c ≥ 0. */
function exponentSlope(b: Emitter, a: Value, c: Value, y: Value): Value {
  const flat = b.emit("And", [equal(b, a, 0), b.emit("GreaterOrEqual", [c, b.scalar(0, c.type.dtype)])]);
  return select(b, flat, 0, mul(b, y, b.emit("Log", [a])));
}
