/** @file Transposed convolution. Its gradients are those of the convolution that it is the adjoint of. */
import type { Shape } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import { checkBias, kernelOf } from "./conv.js";
import { convWeightGradient } from "./conv-weight-gradient.js";
import type { OpDef } from "./define.js";
import { int, ints } from "./define.js";
import { slice, sumOver } from "./emission.js";
import { formatShape, mismatch, typeAt } from "./shape.js";
import type { Window, WindowAttrs } from "./window.js";
import { extentOf, padsOf, resolveWindow, spatialOf, splitPadding, windowAttributes } from "./window.js";
import { trafficBytes } from "./work.js";

export interface ConvTransposeAttrs {
  ConvTranspose: WindowAttrs & {
    readonly group: number;
    readonly output_padding?: readonly number[];
    readonly output_shape?: readonly number[];
  };
}

/** The window with all padding resolved, and the spatial output shape that it leads to. */
interface TransposedWindow {
  readonly window: Window;
  readonly output: Shape;
}

/** The last axes of a list that may cover batch and channel too. @throws SHAPE_MISMATCH for other lengths. */
function spatialPart(name: string, list: readonly number[], spatial: Shape): readonly number[] {
  if (list.length === spatial.length) return list;
  if (list.length === spatial.length + 2) return list.slice(2);
  throw mismatch(`attribute "${name}" is wrong; got [${list.join(",")}], expected ${spatial.length} numbers.`);
}

/**
 * ONNX's rules: with output_shape the total padding follows from it; with SAME_* the output is input times stride;
 * else the output follows from the padding.
 */
function transposedWindow(x: Shape, w: Shape, attrs: ConvTransposeAttrs["ConvTranspose"]): TransposedWindow {
  const spatial = spatialOf(x);
  const given = attrs.output_shape && attrs.output_shape.length > 0 ? attrs.output_shape : undefined;
  const same = attrs.auto_pad === "SAME_UPPER" || attrs.auto_pad === "SAME_LOWER";
  const plain = { ...attrs, auto_pad: same ? ("VALID" as const) : attrs.auto_pad };
  const window = resolveWindow(spatial, kernelOf(x, w, attrs.kernel_shape), plain);
  const added = spatialPart("output_padding", attrs.output_padding ?? spatial.map(() => 0), spatial);
  if (added.some((size, axis) => size >= window.strides[axis]!)) {
    throw mismatch(
      `output_padding is too large; got ${formatShape(added)}, expected less than the strides ${formatShape(window.strides)}.`,
    );
  }
  const reach = spatial.map((size, axis) => (size - 1) * window.strides[axis]! + added[axis]! + extentOf(window, axis));
  const wanted = given
    ? spatialPart("output_shape", given, spatial)
    : same
      ? spatial.map((size, axis) => size * window.strides[axis]!)
      : undefined;
  const pairs = reach.map((size, axis) =>
    wanted
      ? splitPadding(Math.max(0, size - wanted[axis]!), attrs.auto_pad)
      : ([window.padsBegin[axis]!, window.padsEnd[axis]!] as const),
  );
  const resolved = { ...window, padsBegin: pairs.map(([begin]) => begin), padsEnd: pairs.map(([, end]) => end) };
  const output = given ? wanted! : reach.map((size, axis) => size - pairs[axis]![0] - pairs[axis]![1]);
  if (output.some((size) => size < 0)) {
    throw mismatch(`padding crops more than there is; the output would be ${formatShape(output)}.`);
  }
  return { window: resolved, output };
}

export const convTranspose: { readonly [K in keyof ConvTransposeAttrs]: OpDef<K> } = {
  ConvTranspose: {
    attributes: { ...windowAttributes, group: int(1), output_padding: ints(), output_shape: ints() },
    infer: (x, attrs) => {
      const [data, weight] = [typeAt(x, 0), typeAt(x, 1)];
      const { output } = transposedWindow(data.shape, weight.shape, attrs);
      const [batch, channels] = data.shape as readonly [number, number];
      if (weight.shape[0] !== channels || channels % attrs.group !== 0) {
        throw mismatch(
          `channels do not fit; got ${channels} in, group=${attrs.group} and a weight ${formatShape(weight.shape)}, expected a weight [${channels},M/group,…].`,
        );
      }
      const outChannels = weight.shape[1]! * attrs.group;
      checkBias(x[2], outChannels);
      return [{ dtype: data.dtype, shape: [batch, outChannels, ...output] }];
    },
    work: (x, y) => ({
      flops: 2 * elementCount(x[0]!.shape) * elementCount(x[1]!.shape.slice(1)),
      bytes: trafficBytes(x, y),
    }),
    // y is the input gradient of a convolution whose output gradient is x: dx is that convolution of dy, and dw is
    // its weight gradient with the two tensors exchanged.
    grad: (b, { x: [x, w], dy: [dy], attrs }) => {
      const { shape } = x!.type;
      const { window } = transposedWindow(shape, w!.type.shape, attrs);
      const { strides, dilations } = window;
      const whole = b.emit("Conv", [dy, w], { strides, dilations, pads: padsOf(window), group: attrs.group });
      const spatialAxes = [...shape.keys()].slice(2);
      const dx = slice(
        b,
        whole,
        spatialAxes.map((axis) => ({ axis, start: 0, end: shape[axis]! })),
      );
      const use = { input: dy!, outputGrad: x!, weight: w!.type.shape, window, group: attrs.group };
      return [dx, convWeightGradient(b, use), sumOver(b, dy!, [0, ...spatialAxes])];
    },
  },
};
