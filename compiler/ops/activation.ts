/** @file Smooth activation functions. Kinked ones are in clamp.ts. */
import type { Value } from "../ir/graph.js";
import { asLine, lineAffine } from "./channel-affine.js";
import type { Emitter, NoAttrs, OpDef } from "./define.js";
import { float, noAttrs, text } from "./define.js";
import { reshape } from "./emission.js";
import { add, div, greater, mul, select, square, sub } from "./expression.js";
import { sameAsInput } from "./unary.js";
import { perElement } from "./work.js";

export interface ActivationAttrs {
  Sigmoid: NoAttrs;
  Tanh: NoAttrs;
  Softplus: NoAttrs;
  Softsign: NoAttrs;
  Mish: NoAttrs;
  Gelu: { readonly approximate: "none" | "tanh" };
  Elu: { readonly alpha: number };
  Celu: { readonly alpha: number };
  Selu: { readonly alpha: number; readonly gamma: number };
}

const shared = { infer: sameAsInput, work: perElement(12) } as const;

/** dy where y > 0 (the identity branch, times `slope`), and dy times `tail` where y ≤ 0. Requires: y > 0 exactly where x > 0. */
function piecewise(b: Emitter, dy: Value, y: Value, slope: number, tail: Value): Value {
  return mul(b, dy, select(b, greater(b, y, 0), slope, tail));
}

export const activation: { readonly [K in keyof ActivationAttrs]: OpDef<K> } = {
  // From y, so that x need not be kept.
  Sigmoid: {
    ...shared,
    attributes: noAttrs,
    grad: (b, { y: [y], dy: [dy] }) => [mul(b, dy!, mul(b, y!, sub(b, 1, y!)))],
  },
  Tanh: {
    ...shared,
    attributes: noAttrs,
    grad: (b, { y: [y], dy: [dy] }) => [mul(b, dy!, sub(b, 1, square(b, y!)))],
  },

  // From x: 1 − exp(−y) and 1 − |y| lose all digits in the tails.
  Softplus: {
    ...shared,
    attributes: noAttrs,
    grad: (b, { x: [x], dy: [dy] }) => [mul(b, dy!, b.emit("Sigmoid", [x]))],
  },
  Softsign: {
    ...shared,
    attributes: noAttrs,
    grad: (b, { x: [x], dy: [dy] }) => [div(b, dy!, square(b, add(b, b.emit("Abs", [x]), 1)))],
  },
  // y = x·t with t = tanh(softplus(x))  =>  dx = dy·(t + x·(1 − t²)·sigmoid(x))
  Mish: {
    ...shared,
    attributes: noAttrs,
    grad: (b, { x: [x], dy: [dy] }) => {
      const t = b.emit("Tanh", [b.emit("Softplus", [x])]);
      const slope = mul(b, sub(b, 1, square(b, t)), b.emit("Sigmoid", [x]));
      return [mul(b, dy!, add(b, t, mul(b, x!, slope)))];
    },
  },
  Gelu: {
    ...shared,
    attributes: { approximate: text<"none" | "tanh">("none") },
    grad: (b, { x: [x], dy: [dy], attrs: { approximate } }) => {
      const line = asLine(b, x!);
      const slope = approximate === "tanh" ? geluTanhSlope(b, line) : geluSlope(b, line);
      return [mul(b, dy!, reshape(b, slope, x!.type.shape))];
    },
  },

  // Below 0, y + alpha = alpha·exp(x) is the slope: from y, so that x need not be kept. The slope at 0 is alpha.
  Elu: {
    ...shared,
    attributes: { alpha: float(1) },
    grad: (b, { x: [x], y: [y], dy: [dy], attrs: { alpha } }) =>
      // A negative alpha folds both branches onto y > 0.
      alpha >= 0
        ? [piecewise(b, dy!, y!, 1, add(b, y!, alpha))]
        : [piecewise(b, dy!, x!, 1, mul(b, b.emit("Exp", [x]), alpha))],
  },
  Celu: {
    ...shared,
    attributes: { alpha: float(1) },
    grad: (b, { x: [x], y: [y], dy: [dy], attrs: { alpha } }) =>
      alpha > 0
        ? [piecewise(b, dy!, y!, 1, add(b, div(b, y!, alpha), 1))]
        : [piecewise(b, dy!, x!, 1, b.emit("Exp", [div(b, x!, alpha)]))],
  },
  Selu: {
    ...shared,
    attributes: { alpha: float(1.6732632423543772), gamma: float(1.0507009873554805) },
    grad: (b, { x: [x], y: [y], dy: [dy], attrs: { alpha, gamma } }) =>
      alpha >= 0 && gamma > 0
        ? [piecewise(b, dy!, y!, gamma, add(b, y!, alpha * gamma))]
        : [piecewise(b, dy!, x!, gamma, mul(b, b.emit("Exp", [x]), alpha * gamma))],
  },
};

/** d/dx of x·Φ(x) with x a line, which is Φ(x) + x·φ(x), for the standard normal distribution. */
function geluSlope(b: Emitter, x: Value): Value {
  const erf = b.emit("Erf", [mul(b, x, Math.SQRT1_2)]);
  const cumulative = lineAffine(b, erf, 0.5, 0.5);
  const density = b.emit("Exp", [lineAffine(b, square(b, x), -0.5, -Math.log(2 * Math.PI) / 2)]);
  return add(b, cumulative, mul(b, x, density));
}

/**
 * d/dx of x·(1 + tanh(u))/2 with x a line and u = √(2/π)·(x + 0.044715·x³). As (1 + tanh(u))/2 = s = sigmoid(2u), it is
 * s + s·(1 − s)·x·d(2u)/dx.
 */
function geluTanhSlope(b: Emitter, x: Value): Value {
  const scale = 2 * Math.sqrt(2 / Math.PI);
  const cubic = 0.044715 * scale;
  const squared = square(b, x);
  const s = b.emit("Sigmoid", [mul(b, x, lineAffine(b, squared, cubic, scale))]);
  const along = mul(b, x, lineAffine(b, squared, 3 * cubic, scale));
  return add(b, s, mul(b, s, mul(b, sub(b, 1, s), along)));
}
