/** @file RoiAlign: the mean, or the maximum, of an image over the bins of boxes. */
import { listed } from "../ir/listed.js";
import type { Value } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import type { Candidates } from "./bin-maximum.js";
import { maximumGradient } from "./bin-maximum.js";
import type { BoxAxis } from "./box-samples.js";
import { meanWeights, weightedNeighbours } from "./box-samples.js";
import type { Emitter, OpDef } from "./define.js";
import { float, int, text } from "./define.js";
import { asType, reshape, transpose, zeros } from "./emission.js";
import { equal, mul } from "./expression.js";
import { formatShape, mismatch, sameShape, typeAt } from "./shape.js";
import { trafficBytes } from "./work.js";

export interface RoiAlignAttrs {
  RoiAlign: {
    readonly coordinate_transformation_mode: "half_pixel" | "output_half_pixel";
    readonly mode: "avg" | "max";
    readonly output_height: number;
    readonly output_width: number;
    readonly sampling_ratio: number;
    readonly spatial_scale: number;
  };
}

type Attrs = RoiAlignAttrs["RoiAlign"];

/** Boxes on images [N, C, H, W]: four numbers and the image of each, and the axes of rows and columns. */
interface Boxes {
  readonly x: Value;
  readonly boxes: Value;
  readonly image: Value;
  readonly axes: readonly BoxAxis[];
  readonly attrs: Attrs;
}

/** The gradient of the image for means: bins are sums with weights that are products of one per row and one per column. */
function meanGradient(b: Emitter, { x, boxes, image, axes, attrs }: Boxes, dy: Value): Value {
  const [batch, channels, height, width] = x.type.shape as readonly [number, number, number, number];
  const [count, , down, across] = dy.type.shape as readonly [number, number, number, number];
  const [rows, columns] = axes.map((axis) => meanWeights(b, boxes, axis, attrs)) as [Value, Value];
  const bins = reshape(b, transpose(b, dy, [0, 2, 1, 3]), [count, down * channels, across]);
  const strips = reshape(b, b.emit("MatMul", [bins, columns]), [count * down, channels * width]);
  const images = b.int64s(listed(batch, (at) => at));
  const isOwn = equal(b, reshape(b, image, [1, count]), reshape(b, images, [batch, 1]));
  const own = reshape(b, asType(b, isOwn, x.type.dtype), [batch, 1, count, 1]);
  const owned = reshape(b, mul(b, transpose(b, rows, [2, 0, 1]), own), [batch, height, count * down]);
  const sum = reshape(b, b.emit("MatMul", [owned, strips]), [batch, height, channels, width]);
  return transpose(b, sum, [0, 2, 1, 3]);
}

/** The gradient of the image for maxima over the weighted neighbours of all samples. */
function greatestGradient(b: Emitter, { x, boxes, image, axes, attrs }: Boxes, dy: Value): Value {
  const [rows, columns] = axes.map((axis) => weightedNeighbours(b, boxes, axis, attrs)) as [Candidates, Candidates];
  return maximumGradient(b, { x, image, rows, columns }, dy);
}

export const roiAlign: { readonly [K in keyof RoiAlignAttrs]: OpDef<K> } = {
  RoiAlign: {
    attributes: {
      coordinate_transformation_mode: text<Attrs["coordinate_transformation_mode"]>("half_pixel"),
      mode: text<Attrs["mode"]>("avg"),
      output_height: int(1),
      output_width: int(1),
      sampling_ratio: int(0),
      spatial_scale: float(1),
    },
    infer: (x, { output_height, output_width }) => {
      const { dtype, shape } = typeAt(x, 0);
      const [boxes, batch] = [typeAt(x, 1).shape, typeAt(x, 2).shape];
      if (shape.length !== 4 || boxes.length !== 2 || boxes[1] !== 4 || !sameShape(batch, [boxes[0]!])) {
        throw mismatch(
          `boxes do not fit; got image ${formatShape(shape)}, boxes ${formatShape(boxes)} and batch indices ${formatShape(batch)}, expected [N,C,H,W], [R,4] and [R].`,
        );
      }
      return [{ dtype, shape: [boxes[0]!, shape[1]!, output_height, output_width] }];
    },
    work: (x, y, { sampling_ratio }) => ({
      flops: 8 * Math.max(1, sampling_ratio) ** 2 * elementCount(y[0]!.shape),
      bytes: trafficBytes(x, y),
    }),
    // The boxes get no gradient, as in torch.
    grad: (b, { x: [x, boxes, image], dy: [dy], attrs }) => {
      const [, , height, width] = x!.type.shape as readonly [number, number, number, number];
      if (elementCount(x!.type.shape) * elementCount(dy!.type.shape) === 0) {
        return [zeros(b, x!.type), undefined, undefined];
      }
      const axes: readonly BoxAxis[] = [
        { start: 1, end: 3, bins: attrs.output_height, size: height },
        { start: 0, end: 2, bins: attrs.output_width, size: width },
      ];
      const gradient = attrs.mode === "max" ? greatestGradient : meanGradient;
      return [gradient(b, { x: x!, boxes: boxes!, image: image!, axes, attrs }, dy!), undefined, undefined];
    },
  },
};
