/** @file Layer normalization. */
import type { TensorType, Value } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import { unbroadcast } from "./broadcast.js";
import type { Centered } from "./channel-affine.js";
import { centeredBy, channelAffine, channelUnits, normalizedGradient } from "./channel-affine.js";
import type { Emitter, OpDef } from "./define.js";
import { float, int } from "./define.js";
import { asType, reshape } from "./emission.js";
import { add, mul, square } from "./expression.js";
import { broadcastShapes, formatShape, mismatch, normalizeAxis, sameShape, typeAt } from "./shape.js";
import { perElement } from "./work.js";

export interface LayerNormAttrs {
  LayerNormalization: { readonly axis: number; readonly epsilon: number; readonly stash_type: number };
}

/** The input seen as rows: everything that is normalized together is one row. */
interface Rows {
  readonly count: number;
  readonly columns: number;
}

/** Matrix product of [rows, columns] with a column, [rows]. */
function rowProducts(b: Emitter, { count, columns }: Rows, x: Value, column: Value): Value {
  const product = b.emit("MatMul", [reshape(b, x, [count, columns]), reshape(b, column, [columns, 1])]);
  return reshape(b, product, [count]);
}

/** Sum of the rows of x, each times its weight, [columns]. */
function weightedRowSum(b: Emitter, { count, columns }: Rows, x: Value, weights: Value): Value {
  const product = b.emit("MatMul", [reshape(b, weights, [1, count]), reshape(b, x, [count, columns])]);
  return reshape(b, product, [columns]);
}

/** What the gradients of the mean and of the inverse deviation, where they are used, add to the gradient of x. */
function statisticsGradient(
  b: Emitter,
  { units, centered, inverse }: Centered,
  [dMean, dInverse]: readonly (Value | undefined)[],
): Value | undefined {
  const [, count, columns] = centered.type.shape as readonly [number, number, number];
  const perRow = (value: Value | undefined): Value | undefined =>
    value && mul(b, reshape(b, asType(b, value, centered.type.dtype), [count]), 1 / columns);
  const [mean, deviation] = [perRow(dMean), perRow(dInverse)];
  if (!mean && !deviation) return undefined;
  // inverse = (variance + ε)^(−1/2)  =>  d inverse / dx = −inverse³·(x − mean)/n
  const along = deviation && b.emit("Neg", [mul(b, mul(b, deviation, inverse), square(b, inverse))]);
  return channelAffine(b, centered, units, { factor: along ?? units.zero, ...(mean ? { offset: mean } : {}) });
}

export const layerNorm: { readonly [K in keyof LayerNormAttrs]: OpDef<K> } = {
  LayerNormalization: {
    attributes: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
    // Mean and inverse deviation: one number per row each, and engines compute them anyway.
    keptOutputs: 3,
    infer: (x, attrs) => {
      const type = typeAt(x, 0);
      const axis = normalizeAxis(attrs.axis, type.shape.length);
      const normalized = type.shape.slice(axis);
      for (const [index, operand] of [typeAt(x, 1), x[2]?.type].entries()) {
        if (operand && !sameShape(broadcastShapes(operand.shape, normalized), normalized)) {
          throw mismatch(
            `input ${index + 1} does not fit the normalized axes; got ${formatShape(operand.shape)}, expected ${formatShape(normalized)}.`,
          );
        }
      }
      const statistics: TensorType = {
        dtype: attrs.stash_type === 1 ? "float32" : type.dtype,
        shape: type.shape.map((size, at) => (at < axis ? size : 1)),
      };
      return [type, statistics, statistics];
    },
    work: perElement(8),
    grad: (b, { x: [x, scale, bias], y: [, mean, inverse], dy: [dy, ...dStatistics], attrs }) => {
      const { dtype, shape } = x!.type;
      const normalized = shape.slice(normalizeAxis(attrs.axis, shape.length));
      const rows = { columns: elementCount(normalized), count: elementCount(mean!.type.shape) };
      const seen = [1, rows.count, rows.columns];
      const x1 = reshape(b, x!, seen);
      const units = channelUnits(b, x1);
      const perRow = (value: Value): Value => reshape(b, asType(b, value, dtype), [rows.count]);
      const own = { units, centered: centeredBy(b, x1, units, perRow(mean!)), inverse: perRow(inverse!) };
      const extra = statisticsGradient(b, own, dStatistics);
      if (!dy) return [extra && reshape(b, extra, shape)];

      const product = mul(b, reshape(b, dy, seen), own.centered);
      const whole = sameShape(scale!.type.shape, normalized) ? scale! : b.emit("Expand", [scale, b.int64s(normalized)]);
      const sums = {
        ofGradient: rowProducts(b, rows, dy, whole),
        ofProduct: rowProducts(b, rows, product, whole),
      };
      const dx = normalizedGradient(b, reshape(b, mul(b, dy, scale!), seen), own, sums, { shape });
      const dScale = reshape(b, weightedRowSum(b, rows, product, own.inverse), normalized);
      const dBias = reshape(b, weightedRowSum(b, rows, dy, units.one), normalized);
      return [
        extra ? add(b, dx, reshape(b, extra, shape)) : dx,
        unbroadcast(b, dScale, scale!.type.shape),
        bias && unbroadcast(b, dBias, bias.type.shape),
      ];
    },
  },
};
