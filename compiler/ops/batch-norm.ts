/** @file Normalization per channel: BatchNormalization, InstanceNormalization, GroupNormalization. */
import type { Shape, TensorType, Value } from "../ir/graph.js";
import type { Emitter, GradUse, OpDef, Operand } from "./define.js";
import { float, int, required } from "./define.js";
import { reshape, sumOver } from "./emission.js";
import { mul, neg, square, sub } from "./expression.js";
import { formatShape, mismatch, sameShape, typeAt } from "./shape.js";
import { inverseDeviation, standardized, standardizedGradient } from "./standardize.js";
import { perElement } from "./work.js";

export interface BatchNormAttrs {
  BatchNormalization: { readonly epsilon: number; readonly momentum: number; readonly training_mode: number };
  InstanceNormalization: { readonly epsilon: number };
  GroupNormalization: { readonly epsilon: number; readonly num_groups: number; readonly stash_type: number };
}

/** The channels of [N, C, …]; 1 for a 1-d input. */
function channelsOf(x: readonly (Operand | undefined)[]): number {
  const { shape } = typeAt(x, 0);
  if (shape.length === 0) throw mismatch(`input 0 is a scalar; expected [N,C,…].`);
  return shape[1] ?? 1;
}

/** Throws unless inputs 1 to `last` are [channels]. */
function checkPerChannel(x: readonly (Operand | undefined)[], last: number): void {
  const channels = channelsOf(x);
  for (let index = 1; index <= last; index++) {
    const { shape } = typeAt(x, index);
    if (!sameShape(shape, [channels])) {
      throw mismatch(`input ${index} is not per channel; got ${formatShape(shape)}, expected [${channels}].`);
    }
  }
}

/** All axes but the channel axis. */
function reducedAxes(shape: Shape): readonly number[] {
  return [...shape.keys()].filter((axis) => axis !== 1);
}

/** [C] as [1, C, 1, …], so that it broadcasts over [N, C, …]. */
function perChannel(b: Emitter, value: Value, rank: number): Value {
  return reshape(b, value, [
    ...(rank > 1 ? [1] : []),
    value.type.shape[0]!,
    ...new Array<number>(Math.max(0, rank - 2)).fill(1),
  ]);
}

type BatchNormUse = GradUse<"BatchNormalization">;

function trainingGradient(
  b: Emitter,
  { x: [x, scale], dy: [dy], attrs }: BatchNormUse,
): readonly (Value | undefined)[] {
  const { shape } = x!.type;
  const axes = reducedAxes(shape);
  const again = standardized(b, x!, axes, attrs.epsilon);
  return [
    standardizedGradient(b, mul(b, dy!, perChannel(b, scale!, shape.length)), again),
    sumOver(b, mul(b, dy!, again.normalized), axes),
    sumOver(b, dy!, axes),
  ];
}

/** With fixed statistics y is affine in x, and the statistics are inputs like any other. */
function inferenceGradient(
  b: Emitter,
  { x: [x, scale, , mean, variance], dy: [dy], attrs }: BatchNormUse,
): readonly (Value | undefined)[] {
  const { shape } = x!.type;
  const axes = reducedAxes(shape);
  const inverse = inverseDeviation(b, variance!, attrs.epsilon);
  const factor = mul(b, scale!, inverse);
  const centered = sub(b, x!, perChannel(b, mean!, shape.length));
  const dBias = sumOver(b, dy!, axes);
  const dScale = mul(b, sumOver(b, mul(b, dy!, centered), axes), inverse);
  const dVariance = mul(b, mul(b, mul(b, dScale, scale!), square(b, inverse)), -0.5);
  return [mul(b, dy!, perChannel(b, factor, shape.length)), dScale, dBias, neg(b, mul(b, dBias, factor)), dVariance];
}

/** Adds the work on the statistics to one multiply-add per element. */
const normalizationWork = perElement(8);

export const batchNorm: { readonly [K in keyof BatchNormAttrs]: OpDef<K> } = {
  BatchNormalization: {
    attributes: { epsilon: float(1e-5), momentum: float(0.9), training_mode: int(0) },
    infer: (x, { training_mode }) => {
      checkPerChannel(x, 4);
      const statistics: readonly TensorType[] = [typeAt(x, 3), typeAt(x, 4)];
      return [typeAt(x, 0), ...(training_mode ? statistics : [])];
    },
    work: (x, y, attrs) => (attrs.training_mode ? normalizationWork(x, y) : perElement(2)(x, y)),
    grad: (b, use) => (use.attrs.training_mode ? trainingGradient(b, use) : inferenceGradient(b, use)),
  },

  InstanceNormalization: {
    attributes: { epsilon: float(1e-5) },
    infer: (x) => {
      checkPerChannel(x, 2);
      return [typeAt(x, 0)];
    },
    work: normalizationWork,
    grad: (b, { x: [x, scale], dy: [dy], attrs }) => {
      const { shape } = x!.type;
      const again = standardized(b, x!, [...shape.keys()].slice(2), attrs.epsilon);
      const axes = reducedAxes(shape);
      return [
        standardizedGradient(b, mul(b, dy!, perChannel(b, scale!, shape.length)), again),
        sumOver(b, mul(b, dy!, again.normalized), axes),
        sumOver(b, dy!, axes),
      ];
    },
  },

  GroupNormalization: {
    attributes: { epsilon: float(1e-5), num_groups: required(int()), stash_type: int(1) },
    infer: (x, { num_groups }) => {
      checkPerChannel(x, 2);
      const channels = channelsOf(x);
      if (num_groups < 1 || channels % num_groups !== 0) {
        throw mismatch(`attribute "num_groups" is ${num_groups}; expected a divisor of the ${channels} channels.`);
      }
      return [typeAt(x, 0)];
    },
    work: normalizationWork,
    // Every group is one row of [N, groups, rest].
    grad: (b, { x: [x, scale], dy: [dy], attrs }) => {
      const { shape } = x!.type;
      const rows = [
        shape[0]!,
        attrs.num_groups,
        shape.slice(1).reduce((product, size) => product * size, 1) / attrs.num_groups,
      ];
      const again = standardized(b, reshape(b, x!, rows), [2], attrs.epsilon);
      const scaled = reshape(b, mul(b, dy!, perChannel(b, scale!, shape.length)), rows);
      const axes = reducedAxes(shape);
      return [
        reshape(b, standardizedGradient(b, scaled, again), shape),
        sumOver(b, mul(b, dy!, reshape(b, again.normalized, shape)), axes),
        sumOver(b, dy!, axes),
      ];
    },
  },
};
