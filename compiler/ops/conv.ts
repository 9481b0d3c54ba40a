/** @file Convolution. Its gradient to the weight is in conv-weight-gradient.ts. */
import type { Shape } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import { convInputGradient } from "./conv-input-gradient.js";
import { convWeightGradient } from "./conv-weight-gradient.js";
import type { OpDef, Operand } from "./define.js";
import { int } from "./define.js";
import { sumOver } from "./emission.js";
import { formatShape, mismatch, sameShape, typeAt } from "./shape.js";
import type { Window, WindowAttrs } from "./window.js";
import { resolveWindow, slideShape, spatialOf, windowAttributes } from "./window.js";
import { trafficBytes } from "./work.js";

export interface ConvAttrs {
  Conv: WindowAttrs & { readonly group: number };
}

/** Throws unless `bias`, where given, is [channels]. */
export function checkBias(bias: Operand | undefined, channels: number): void {
  if (bias && !sameShape(bias.type.shape, [channels])) {
    throw mismatch(`bias is wrong; got ${formatShape(bias.type.shape)}, expected [${channels}].`);
  }
}

/** The kernel of a weight tensor. @throws SHAPE_MISMATCH when it contradicts the input or `kernel_shape`. */
export function kernelOf(x: Shape, w: Shape, declared: readonly number[] | undefined): readonly number[] {
  if (w.length !== x.length) {
    throw mismatch(`weight has another number of axes than the input; got ${formatShape(w)} for ${formatShape(x)}.`);
  }
  const kernel = w.slice(2);
  if (declared && !sameShape(declared, kernel)) {
    throw mismatch(
      `attribute "kernel_shape" contradicts the weight; got [${declared.join(",")}] and ${formatShape(w)}.`,
    );
  }
  return kernel;
}

/** The window of a Conv. */
export function convWindow(x: Shape, w: Shape, attrs: ConvAttrs["Conv"]): Window {
  return resolveWindow(spatialOf(x), kernelOf(x, w, attrs.kernel_shape), attrs);
}

export const conv: { readonly [K in keyof ConvAttrs]: OpDef<K> } = {
  Conv: {
    attributes: { ...windowAttributes, group: int(1) },
    infer: (x, attrs) => {
      const [data, weight] = [typeAt(x, 0), typeAt(x, 1)];
      const window = convWindow(data.shape, weight.shape, attrs);
      const [channels, perGroup] = [data.shape[1]!, weight.shape[1]!];
      const [outChannels, { group }] = [weight.shape[0]!, attrs];
      if (channels !== perGroup * group || outChannels % group !== 0) {
        throw mismatch(
          `channels do not fit; got ${channels} in, ${outChannels} out, group=${group} and a weight ${formatShape(weight.shape)}, expected a weight [M,${channels}/group,…] with M a multiple of group.`,
        );
      }
      checkBias(x[2], outChannels);
      const spatial = slideShape(spatialOf(data.shape), window, false);
      return [{ dtype: data.dtype, shape: [data.shape[0]!, outChannels, ...spatial] }];
    },
    work: (x, y) => ({
      flops: 2 * elementCount(y[0]!.shape) * elementCount(x[1]!.shape.slice(1)),
      bytes: trafficBytes(x, y),
    }),
    grad: (b, { x: [x, w], dy: [dy], attrs }) => {
      const window = convWindow(x!.type.shape, w!.type.shape, attrs);
      const spatialAxes = window.kernel.map((_, axis) => axis + 2);
      return [
        convInputGradient(b, dy!, w!, x!.type.shape, window, attrs.group),
        convWeightGradient(b, { input: x!, outputGrad: dy!, weight: w!.type.shape, window, group: attrs.group }),
        sumOver(b, dy!, [0, ...spatialAxes]),
      ];
    },
  },
};
