/** @file Piecewise linear activation functions. Gradients at the kinks are torch's. */
import type { TensorType, Value } from "../ir/graph.js";
import { hasPlainNumbers, literalNumbers } from "../ir/literal.js";
import { unbroadcast } from "./broadcast.js";
import type { Emitter, NoAttrs, OpDef, Operand } from "./define.js";
import { float, noAttrs } from "./define.js";
import { add, greater, mul, select } from "./expression.js";
import { foldElements } from "./fold.js";
import { broadcastShapes, formatShape, mismatch, sameShape, typeAt } from "./shape.js";
import { sameAsInput } from "./unary.js";
import { perElement } from "./work.js";

export interface ClampAttrs {
  Relu: NoAttrs;
  LeakyRelu: { readonly alpha: number };
  ThresholdedRelu: { readonly alpha: number };
  PRelu: NoAttrs;
  HardSigmoid: { readonly alpha: number; readonly beta: number };
  HardSwish: NoAttrs;
  Shrink: { readonly bias: number; readonly lambd: number };
  Clip: NoAttrs;
}

const shared = { infer: sameAsInput, work: perElement(2) } as const;

/** PRelu: the slope broadcasts to x, never the other way. */
function inferPRelu(x: readonly (Operand | undefined)[]): readonly TensorType[] {
  const [input, slope] = [typeAt(x, 0), typeAt(x, 1)];
  if (input.dtype !== slope.dtype) throw mismatch(`element types differ; got ${input.dtype} and ${slope.dtype}.`);
  if (!sameShape(broadcastShapes(input.shape, slope.shape), input.shape))
    throw mismatch(`slope ${formatShape(slope.shape)} does not broadcast to ${formatShape(input.shape)}.`);
  return [input];
}

/** Clip: the bounds are single elements of x's type. */
function inferClip(x: readonly (Operand | undefined)[]): readonly TensorType[] {
  const type = typeAt(x, 0);
  for (const bound of [x[1], x[2]]) {
    if (!bound) continue;
    if (bound.type.dtype !== type.dtype)
      throw mismatch(`element types differ; got ${type.dtype} and ${bound.type.dtype}.`);
    if (bound.type.shape.some((size) => size !== 1))
      throw mismatch(`a bound has shape ${formatShape(bound.type.shape)}; expected a scalar.`);
  }
  return [type];
}

export const clamp: { readonly [K in keyof ClampAttrs]: OpDef<K> } = {
  // From y, so that x need not be kept. The gradient at 0 is 0.
  Relu: {
    ...shared,
    attributes: noAttrs,
    grad: (b, { y: [y], dy: [dy] }) => [select(b, greater(b, y!, 0), dy!, 0)],
    fold: foldElements({ float: (x) => Math.max(x!, 0), integer: (x) => (x! > 0n ? x! : 0n) }),
  },
  // y > 0 exactly where x > 0 unless alpha is negative. The slope at 0 is alpha.
  LeakyRelu: {
    ...shared,
    attributes: { alpha: float(0.01) },
    grad: (b, { x: [x], y: [y], dy: [dy], attrs: { alpha } }) => [
      select(b, greater(b, alpha >= 0 ? y! : x!, 0), dy!, mul(b, dy!, alpha)),
    ],
  },
  ThresholdedRelu: {
    ...shared,
    attributes: { alpha: float(1) },
    grad: (b, { x: [x], y: [y], dy: [dy], attrs: { alpha } }) => [
      select(b, alpha >= 0 ? greater(b, y!, 0) : greater(b, x!, alpha), dy!, 0),
    ],
  },
  // The gradient at 0 is that of the negative side.
  PRelu: {
    attributes: noAttrs,
    infer: inferPRelu,
    work: perElement(2),
    grad: (b, { x: [x, slope], dy: [dy] }) => {
      const positive = greater(b, x!, 0);
      const forSlope = select(b, positive, 0, mul(b, dy!, x!));
      return [select(b, positive, dy!, mul(b, dy!, slope!)), unbroadcast(b, forSlope, slope!.type.shape)];
    },
  },
  // y lies strictly between 0 and 1 where it grows. The gradient at both kinks is 0.
  HardSigmoid: {
    ...shared,
    attributes: { alpha: float(0.2), beta: float(0.5) },
    grad: (b, { y: [y], dy: [dy], attrs: { alpha } }) => {
      const inside = b.emit("And", [greater(b, y!, 0), greater(b, 1, y!)]);
      return [select(b, inside, mul(b, dy!, alpha), 0)];
    },
  },
  // y = x·clamp(x/6 + 1/2, 0, 1). At both kinks the gradient is that of the middle piece, x/3 + 1/2.
  HardSwish: {
    ...shared,
    attributes: noAttrs,
    grad: (b, { x: [x], dy: [dy] }) => {
      const middle = add(b, mul(b, x!, 1 / 3), 0.5);
      return [mul(b, dy!, select(b, greater(b, x!, 3), 1, select(b, greater(b, -3, x!), 0, middle)))];
    },
  },
  // The identity, moved by bias towards 0, where |x| > lambd. The gradient at the kinks is 0.
  Shrink: {
    ...shared,
    attributes: { bias: float(0), lambd: float(0.5) },
    grad: (b, { x: [x], dy: [dy], attrs: { lambd } }) => [select(b, greater(b, b.emit("Abs", [x]), lambd), dy!, 0)],
  },
  Clip: {
    attributes: noAttrs,
    infer: inferClip,
    work: perElement(2),
    grad: (b, { x: [x, low, high], y: [y], dy: [dy] }) => [
      select(b, isKept(b, x!, y!, low, high), dy!, 0),
      low && unbroadcast(b, select(b, isRaised(b, x!, low, high), dy!, 0), low.type.shape),
      high && unbroadcast(b, select(b, isLowered(b, x!, low, high), dy!, 0), high.type.shape),
    ],
    fold: (x, attrs, y) => {
      const [least, most] = [x[1], x[2]];
      const parts = x.filter((literal) => literal !== undefined);
      const pick = (values: readonly number[]): number => {
        const floor = least ? Math.max(values[0]!, values[1]!) : values[0]!;
        return most ? Math.min(floor, values.at(-1)!) : floor;
      };
      const pickExact = (values: readonly bigint[]): bigint => {
        const floor = least && values[1]! > values[0]! ? values[1]! : values[0]!;
        return most && values.at(-1)! < floor ? values.at(-1)! : floor;
      };
      return foldElements({ float: (...v) => pick(v), integer: (...v) => pickExact(v) })(parts, attrs, y);
    },
  },
};

/** Where low ≤ x ≤ high, so that the gradient passes at the bounds. */
function isKept(b: Emitter, x: Value, y: Value, low?: Value, high?: Value): Value {
  // One comparison instead of three, unless the bounds may cross: then everything becomes `high`.
  if (!low || !high || areOrdered(low, high)) return b.emit("Equal", [x, y]);
  return b.emit("And", [b.emit("GreaterOrEqual", [x, low]), b.emit("LessOrEqual", [x, high])]);
}

function areOrdered(low: Value, high: Value): boolean {
  if (!low.literal || !high.literal || !hasPlainNumbers(low.literal.dtype)) return false;
  return literalNumbers(low.literal)[0]! <= literalNumbers(high.literal)[0]!;
}

/** Where y = low and x does not matter. */
function isRaised(b: Emitter, x: Value, low: Value, high?: Value): Value {
  const below = b.emit("Less", [x, low]);
  return high ? b.emit("And", [below, b.emit("Less", [low, high])]) : below;
}

/** Where y = high and x does not matter. */
function isLowered(b: Emitter, x: Value, low: Value | undefined, high: Value): Value {
  const above = greater(b, x, high);
  return low ? b.emit("Or", [above, greater(b, low, high)]) : above;
}
