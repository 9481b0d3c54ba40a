/** @file Layer normalization. */
import type { TensorType, Value } from "../ir/graph.js";
import { elementCount, literalOf } from "../ir/literal.js";
import { unbroadcast } from "./broadcast.js";
import type { Emitter, OpDef } from "./define.js";
import { float, int } from "./define.js";
import { add, mul, square } from "./expression.js";
import { broadcastShapes, formatShape, mismatch, normalizeAxis, sameShape, typeAt } from "./shape.js";
import type { Standardized } from "./standardize.js";
import { standardizedGradient } from "./standardize.js";
import { perElement } from "./work.js";

export interface LayerNormAttrs {
  LayerNormalization: { readonly axis: number; readonly epsilon: number; readonly stash_type: number };
}

type Attrs = LayerNormAttrs["LayerNormalization"];

/** Normalizes again with scale 1, which one fast kernel does, rather than from a stashed mean. */
function normalizedAgain(b: Emitter, x: Value, attrs: Attrs): Standardized {
  const axis = normalizeAxis(attrs.axis, x.type.shape.length);
  const shape = x.type.shape.slice(axis);
  const ones = b.literal(literalOf(x.type.dtype, shape, new Array<number>(elementCount(shape)).fill(1)));
  const [normalized, , inverse] = b.emitMany("LayerNormalization", [x, ones], 3, attrs);
  return { normalized: normalized!, inverse: inverse!, axes: shape.map((_, at) => axis + at) };
}

/** What the gradients of the mean and of the inverse deviation, where they are used, add to the gradient of x. */
function statisticsGradient(
  b: Emitter,
  { normalized, inverse, axes }: Standardized,
  [dMean, dInverse]: readonly (Value | undefined)[],
): Value | undefined {
  const { shape } = normalized.type;
  const share = 1 / elementCount(axes.map((axis) => shape[axis]!));
  const fromMean = dMean && b.emit("Expand", [mul(b, dMean, share), b.int64s(shape)]);
  // inverse = (variance + ε)^(−1/2)  =>  d inverse / dx = −inverse²·x̂/n
  const fromInverse = dInverse && mul(b, normalized, mul(b, mul(b, dInverse, square(b, inverse)), -share));
  return fromMean && fromInverse ? add(b, fromMean, fromInverse) : (fromMean ?? fromInverse);
}

export const layerNorm: { readonly [K in keyof LayerNormAttrs]: OpDef<K> } = {
  LayerNormalization: {
    attributes: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
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
    grad: (b, { x: [x, scale, bias], dy: [dy, ...dStatistics], attrs }) => {
      const again = normalizedAgain(b, x!, attrs);
      const extra = statisticsGradient(b, again, dStatistics);
      if (!dy) return [extra];
      const dx = standardizedGradient(b, mul(b, dy, scale!), again);
      return [
        extra ? add(b, dx, extra) : dx,
        unbroadcast(b, mul(b, dy, again.normalized), scale!.type.shape),
        bias && unbroadcast(b, dy, bias.type.shape),
      ];
    },
  },
};
