/** @file Normalization per channel or group of channels: BatchNormalization, InstanceNormalization, GroupNormalization. */
import type { Shape, TensorType, Value } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import type { Centered } from "./channel-affine.js";
import {
  centeredBy,
  centeredChannels,
  channelAffine,
  channelSum,
  channelUnits,
  inverseDeviation,
  normalizedGradient,
} from "./channel-affine.js";
import type { Emitter, GradUse, OpDef, Operand } from "./define.js";
import { float, int, required } from "./define.js";
import { reshape, sumOver } from "./emission.js";
import { add, mul, neg, square } from "./expression.js";
import { formatShape, mismatch, sameShape, typeAt } from "./shape.js";
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

/** A 1-d input has one channel. */
function withChannelAxis(b: Emitter, x: Value): Value {
  return x.type.shape.length > 1 ? x : reshape(b, x, [x.type.shape[0]!, 1]);
}

type Gradients = readonly (Value | undefined)[];

/** Gradients of x [N, C, …], scale and bias [C], with statistics over all but the channel axis. */
function channelGradients(
  b: Emitter,
  own: Centered,
  [scale, d]: readonly [Value, Value],
  shape: Shape,
): readonly [Value, Value, Value] {
  const sums = { ofGradient: channelSum(b, d), ofProduct: channelSum(b, mul(b, d, own.centered)) };
  return [normalizedGradient(b, d, own, sums, { shape, scale }), mul(b, sums.ofProduct, own.inverse), sums.ofGradient];
}

/** Any of the outputs may get a gradient: the normalized values and the next running statistics. */
function trainingGradient(b: Emitter, { x: [x, scale], dy, attrs }: GradUse<"BatchNormalization">): Gradients {
  const { shape } = x!.type;
  const own = centeredChannels(b, withChannelAxis(b, x!), attrs.epsilon);
  const [dx, dScale, dBias] = dy[0] ? channelGradients(b, own, [scale!, withChannelAxis(b, dy[0])], shape) : [];
  const kept = (d: Value | undefined): Value | undefined => d && mul(b, d, attrs.momentum);
  const aside = statisticsGradient(b, own, [dy[1], dy[2]], attrs.momentum);
  const more = aside && reshape(b, aside, shape);
  return [dx && more ? add(b, dx, more) : (dx ?? more), dScale, dBias, kept(dy[1]), kept(dy[2])];
}

/**
 * The gradient that arrives at x [N, C, …] through the next running mean and variance, momentum·before +
 * (1 − momentum)·own: with m elements per channel (1 − momentum)·(dMean + 2·(x − mean)·dVariance)/m, the variance being
 * the population's. Undefined when neither has a gradient. Source: the ONNX operator specification.
 */
function statisticsGradient(
  b: Emitter,
  { centered, units }: Centered,
  [dMean, dVariance]: readonly (Value | undefined)[],
  momentum: number,
): Value | undefined {
  if (!dMean && !dVariance) return undefined;
  const { shape } = centered.type;
  const share = (1 - momentum) / (elementCount(shape) / shape[1]!);
  return channelAffine(b, centered, units, {
    factor: dVariance ? mul(b, dVariance, 2 * share) : units.zero,
    ...(dMean ? { offset: mul(b, dMean, share) } : {}),
  });
}

/** Every channel of every image counts as a channel of one image. */
function instanceGradient(b: Emitter, { x: [x, scale], dy: [dy], attrs }: GradUse<"InstanceNormalization">): Gradients {
  const [batch, channels, ...spatial] = x!.type.shape as readonly [number, number, ...number[]];
  const seen = [1, batch * channels, ...spatial];
  const scales = reshape(b, b.emit("Expand", [scale, b.int64s([batch, channels])]), [batch * channels]);
  const [x1, d1] = [reshape(b, x!, seen), reshape(b, dy!, seen)];
  const own = centeredChannels(b, x1, attrs.epsilon);
  const [dx, dScale, dBias] = channelGradients(b, own, [scales, d1], x!.type.shape);
  const overImages = (sum: Value): Value => sumOver(b, reshape(b, sum, [batch, channels]), [0]);
  return [dx, overImages(dScale), overImages(dBias)];
}

/** With fixed statistics y is affine in x, and the statistics are inputs like any other. */
function inferenceGradient(
  b: Emitter,
  { x: [x, scale, , mean, variance], dy: [dy], attrs }: GradUse<"BatchNormalization">,
): Gradients {
  const d = withChannelAxis(b, dy!);
  const inverse = inverseDeviation(b, variance!, attrs.epsilon);
  const factor = mul(b, scale!, inverse);
  const units = channelUnits(b, d);
  const centered = centeredBy(b, withChannelAxis(b, x!), units, mean!);
  const dBias = channelSum(b, d);
  const dScale = mul(b, channelSum(b, mul(b, d, centered)), inverse);
  const dVariance = mul(b, mul(b, mul(b, dScale, scale!), square(b, inverse)), -0.5);
  const dx = reshape(b, channelAffine(b, d, units, { factor }), x!.type.shape);
  return [dx, dScale, dBias, neg(b, mul(b, dBias, factor)), dVariance];
}

/** The gradients of a normalization of groups of channels within each image, with scale and bias per channel. */
function groupGradients(
  b: Emitter,
  [x, scale, dy]: readonly [Value, Value, Value],
  groups: number,
  epsilon: number,
): Gradients {
  const { shape } = x.type;
  const [batch, channels] = shape as readonly [number, number];
  const rows = batch * groups;
  const seen = [1, rows, elementCount(shape) / Math.max(1, rows)];
  const own = centeredChannels(b, reshape(b, x, seen), epsilon);
  const product = mul(b, dy, reshape(b, own.centered, shape));
  const spatial = [...shape.keys()].slice(2);
  const [sumOfGradient, sumOfProduct] = [sumOver(b, dy, spatial), sumOver(b, product, spatial)];
  const perRow = (sum: Value): Value => sumOver(b, reshape(b, mul(b, sum, scale), [rows, channels / groups]), [1]);
  const sums = { ofGradient: perRow(sumOfGradient), ofProduct: perRow(sumOfProduct) };
  const d = reshape(b, channelAffine(b, dy, channelUnits(b, dy), { factor: scale }), seen);
  const perChannel = mul(b, reshape(b, sumOfProduct, [rows, channels / groups]), reshape(b, own.inverse, [rows, 1]));
  return [
    normalizedGradient(b, d, own, sums, { shape }),
    sumOver(b, reshape(b, perChannel, [batch, channels]), [0]),
    sumOver(b, sumOfGradient, [0]),
  ];
}

/** Adds the work on the statistics to one multiply-add per element. */
const normalizationWork = perElement(8);

export const batchNorm: { readonly [K in keyof BatchNormAttrs]: OpDef<K> } = {
  BatchNormalization: {
    attributes: { epsilon: float(1e-5), momentum: float(0.9), training_mode: int(0) },
    keptOutputs: Infinity,
    infer: (x, { training_mode }) => {
      checkPerChannel(x, 4);
      const statistics: readonly TensorType[] = [typeAt(x, 3), typeAt(x, 4)];
      return [typeAt(x, 0), ...(training_mode ? statistics : [])];
    },
    work: (x, y, attrs) => (attrs.training_mode ? normalizationWork(x, y) : perElement(2)(x, y)),
    grad: (b, use) => (use.attrs.training_mode ? trainingGradient(b, use) : inferenceGradient(b, use)),
    running: {
      statistics: [
        { input: 3, output: 1, isVariance: false },
        { input: 4, output: 2, isVariance: true },
      ],
      isTraining: ({ training_mode }) => training_mode !== 0,
      modeAttrs: (isTraining) => ({ training_mode: isTraining ? 1 : 0 }),
      samples: (x) => elementCount(typeAt(x, 0).shape) / Math.max(1, channelsOf(x)),
    },
  },

  InstanceNormalization: {
    attributes: { epsilon: float(1e-5) },
    infer: (x) => {
      checkPerChannel(x, 2);
      return [typeAt(x, 0)];
    },
    work: normalizationWork,
    grad: instanceGradient,
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
    grad: (b, { x: [x, scale], dy: [dy], attrs }) =>
      groupGradients(b, [x!, scale!, dy!], attrs.num_groups, attrs.epsilon),
  },
};
