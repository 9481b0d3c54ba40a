/** @file Elementwise functions of one input, without attributes. */
import type { GraphBuilder } from "../ir/builder.js";
import type { TensorType, Value } from "../ir/graph.js";
import { isFloat } from "../ir/literal.js";
import type { Emitter, NoAttrs, OpDef, Operand } from "./define.js";
import { int, noAttrs } from "./define.js";
import { add, div, mul, neg, square, sub } from "./expression.js";
import { foldElements } from "./fold.js";
import { mismatch, typeAt } from "./shape.js";
import { perElement } from "./work.js";

/** Ops of floats or integers whose output has the type of their input. */
type PlainOp =
  | "Abs"
  | "Neg"
  | "Exp"
  | "Log"
  | "Sqrt"
  | "Reciprocal"
  | "Sin"
  | "Cos"
  | "Tan"
  | "Asin"
  | "Acos"
  | "Atan"
  | "Sinh"
  | "Cosh"
  | "Asinh"
  | "Acosh"
  | "Atanh"
  | "Erf"
  | "Ceil"
  | "Floor"
  | "Round"
  | "Sign"
  | "Identity"
  | "Not"
  | "IsNaN"
  | "BitwiseNot";

export type UnaryAttrs = { readonly [K in PlainOp]: NoAttrs } & {
  readonly IsInf: { readonly detect_negative: number; readonly detect_positive: number };
};

/** Gradient of x from that of y. */
type Chain = (b: Emitter, dy: Value, y: Value, x: Value) => Value;
type UnaryDef = Omit<OpDef<PlainOp>, "grad"> & { readonly grad: OpDef<PlainOp>["grad"] };

/** Shape rule: the type of the first input. */
export function sameAsInput(x: readonly (Operand | undefined)[]): readonly TensorType[] {
  return [typeAt(x, 0)];
}

/** Shape rule: bool, in the shape of the first input. */
function testOfInput(x: readonly (Operand | undefined)[]): readonly TensorType[] {
  return [{ dtype: "bool", shape: typeAt(x, 0).shape }];
}

/** A differentiable function of floats. `flops` counts a transcendental function as 10. */
function smooth(flops: number, chain: Chain, float?: (x: number) => number): UnaryDef {
  return {
    attributes: noAttrs,
    infer: sameAsInput,
    work: perElement(flops),
    grad: (b, { x: [x], y: [y], dy: [dy] }) => [chain(b, dy!, y!, x!)],
    ...(float && { fold: foldElements({ float: (x) => float(x!) }) }),
  };
}

/** A function whose derivative is zero wherever it has one. Integers are left as they are. */
function step(float: (x: number) => number): UnaryDef {
  return {
    attributes: noAttrs,
    infer: sameAsInput,
    work: perElement(1),
    grad: { none: "piecewise constant" },
    fold: foldElements({ float: (x) => float(x!) }),
  };
}

/** IEEE 754 rounding to the nearest integer, halves to even. */
function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

const TRANSCENDENTAL = 10;

export const unary: { readonly [K in keyof UnaryAttrs]: OpDef<K> } = {
  Abs: {
    // The gradient at 0 is 0.
    ...smooth(1, (b, dy, _y, x) => mul(b, dy, b.emit("Sign", [x]))),
    fold: foldElements({ float: (x) => Math.abs(x!), integer: (x) => (x! < 0n ? -x! : x!) }),
  },
  Neg: {
    ...smooth(1, (b, dy) => neg(b, dy)),
    fold: foldElements({ float: (x) => -x!, integer: (x) => -x! }),
  },
  Identity: { ...smooth(0, (_b, dy) => dy), fold: ([x]) => (x ? [x] : undefined) },

  // From y, so that x need not be kept.
  Exp: smooth(TRANSCENDENTAL, (b, dy, y) => mul(b, dy, y), Math.exp),
  Sqrt: smooth(2, (b, dy, y) => div(b, dy, mul(b, y, 2)), Math.sqrt),
  Reciprocal: smooth(
    2,
    (b, dy, y) => neg(b, mul(b, dy, square(b, y))),
    (x) => 1 / x,
  ),
  Tan: smooth(TRANSCENDENTAL, (b, dy, y) => mul(b, dy, add(b, square(b, y), 1))),

  Log: smooth(TRANSCENDENTAL, (b, dy, _y, x) => div(b, dy, x), Math.log),
  Sin: smooth(TRANSCENDENTAL, (b, dy, _y, x) => mul(b, dy, b.emit("Cos", [x]))),
  Cos: smooth(TRANSCENDENTAL, (b, dy, _y, x) => neg(b, mul(b, dy, b.emit("Sin", [x])))),
  Asin: smooth(TRANSCENDENTAL, (b, dy, _y, x) => div(b, dy, b.emit("Sqrt", [oneMinusSquare(b, x)]))),
  Acos: smooth(TRANSCENDENTAL, (b, dy, _y, x) => neg(b, div(b, dy, b.emit("Sqrt", [oneMinusSquare(b, x)])))),
  Atan: smooth(TRANSCENDENTAL, (b, dy, _y, x) => div(b, dy, add(b, square(b, x), 1))),
  Sinh: smooth(TRANSCENDENTAL, (b, dy, _y, x) => mul(b, dy, b.emit("Cosh", [x]))),
  Cosh: smooth(TRANSCENDENTAL, (b, dy, _y, x) => mul(b, dy, b.emit("Sinh", [x]))),
  Asinh: smooth(TRANSCENDENTAL, (b, dy, _y, x) => div(b, dy, b.emit("Sqrt", [add(b, square(b, x), 1)]))),
  Acosh: smooth(TRANSCENDENTAL, (b, dy, _y, x) =>
    // x² − 1 loses all digits near 1; the product of the factors does not.
    div(b, dy, b.emit("Sqrt", [mul(b, sub(b, x, 1), add(b, x, 1))])),
  ),
  Atanh: smooth(TRANSCENDENTAL, (b, dy, _y, x) => div(b, dy, oneMinusSquare(b, x))),
  // d erf(x) = 2/√π · exp(−x²)
  Erf: smooth(TRANSCENDENTAL, (b, dy, _y, x) =>
    mul(b, dy, mul(b, b.emit("Exp", [neg(b, square(b, x))]), 2 / Math.sqrt(Math.PI))),
  ),

  Ceil: step(Math.ceil),
  Floor: step(Math.floor),
  Round: step(roundHalfToEven),
  Sign: step(Math.sign),
  Not: {
    ...step((x) => Number(x === 0)),
    infer: (x) => {
      if (typeAt(x, 0).dtype !== "bool") throw mismatch(`input 0 is ${typeAt(x, 0).dtype}; expected bool.`);
      return sameAsInput(x);
    },
  },
  BitwiseNot: {
    ...step((x) => x),
    infer: (x) => {
      const { dtype } = typeAt(x, 0);
      if (isFloat(dtype) || dtype === "bool") throw mismatch(`input 0 is ${dtype}; expected integers.`);
      return sameAsInput(x);
    },
    fold: foldElements({ float: (x) => x!, integer: (x) => ~x! }),
  },
  IsNaN: {
    attributes: noAttrs,
    infer: testOfInput,
    work: perElement(1),
    grad: { none: "the output is bool" },
  },
  IsInf: {
    attributes: { detect_negative: int(1), detect_positive: int(1) },
    infer: testOfInput,
    work: perElement(1),
    grad: { none: "the output is bool" },
  },
};

/** A copy of `value` that has this name. */
export function copyAs(builder: GraphBuilder, value: Value, name: string): Value {
  return builder.node("Identity", [value], {}, { outputs: [name] }).outputs[0]!;
}

/** 1 − x² as (1 − x)(1 + x), which keeps its digits near ±1. */
function oneMinusSquare(b: Emitter, x: Value): Value {
  return mul(b, sub(b, 1, x), add(b, x, 1));
}
