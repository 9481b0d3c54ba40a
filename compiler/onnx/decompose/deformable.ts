/**
 * @file DeformConv: each tap of each output position reads the image at a place of its own. GridSample reads, one node
 * per offset group, and a product with the weights follows. Source: ONNX DeformConv-22.
 */
import { listed } from "../../ir/listed.js";
import type { Shape, Value } from "../../ir/graph.js";
import { elementCount, literalOf } from "../../ir/literal.js";
import { coordinatesOf, stepsOf } from "../../ops/picking.js";
import type { Window } from "../../ops/window.js";
import { resolveWindow, slideShape } from "../../ops/window.js";
import type { Decomposition, ImportEmitter, SourceNode } from "../source.js";
import { MOST_IMAGE_AXES, REFUSED_FORMS, refusedForm } from "../refused-forms.js";
import { floatAt, inputAt, malformedNode, numberAttr, numbersAttr } from "../source.js";
import { splitAlong } from "../structural/slices.js";
import { concatenated, expanded, permuted, scalarOf, shaped } from "./emission.js";

/** Sizes of one node: images [batch, channels, …spatial], taps per position, and positions along each spatial axis. */
interface Sizes {
  readonly image: readonly [batch: number, channels: number, ...spatial: number[]];
  readonly taps: number;
  readonly positions: Shape;
}

/** Inputs x, weights, offsets [batch, groups·taps·axes, …positions], bias, mask [batch, groups·taps, …positions]. */
export const deformConv: Decomposition = (b, node) => {
  const [x, weights, offsets] = [floatAt(node, 0), inputAt(node, 1), inputAt(node, 2)];
  const { shape } = x.type;
  const rank = shape.length - 2;
  if (rank < 1 || rank > MOST_IMAGE_AXES)
    throw rank < 1
      ? malformedNode(node, "input 0 has no spatial axis")
      : refusedForm(REFUSED_FORMS.DeformConv.axes, String(rank));
  if (weights.type.shape.length !== shape.length)
    throw malformedNode(node, `weights have ${weights.type.shape.length} axes; expected ${shape.length}`);
  const [kernels, , ...kernel] = weights.type.shape as readonly [number, number, ...number[]];
  const [dilations, pads, strides] = ["dilations", "pads", "strides"].map((name) => numbersAttr(node, name));
  const window = resolveWindow(shape.slice(2), numbersAttr(node, "kernel_shape") ?? kernel, {
    auto_pad: "NOTSET",
    ...(dilations && { dilations }),
    ...(pads && { pads }),
    ...(strides && { strides }),
  });
  const sizes: Sizes = {
    image: shape as unknown as Sizes["image"],
    taps: elementCount(window.kernel),
    positions: slideShape(shape.slice(2), window, false),
  };
  const groups = numberAttr(node, "offset_group", 1);
  checkOffsets(node, offsets, groups, sizes);
  const origins = tapOrigins(window, sizes);
  const equal = (count: number): readonly number[] => listed(groups, () => count / groups);
  const images = splitAlong(b, x, 1, equal(shape[1]!));
  const moves = splitAlong(b, offsets, 1, equal(offsets.type.shape[1]!));
  const masks = node.inputs[4] && splitAlong(b, node.inputs[4], 1, equal(groups * sizes.taps));
  const read = images.map((image, at) => readTaps(b, image, moves[at]!, masks?.[at], origins, sizes));
  const product = grouped(b, concatenated(b, read, 1), weights, numberAttr(node, "group", 1), sizes);
  const bias = node.inputs[3];
  const perKernel = [kernels, ...sizes.positions.map(() => 1)];
  return [bias ? b.emit("Add", [product, shaped(b, bias, perKernel)]) : product];
};

function checkOffsets(node: SourceNode, offsets: Value, groups: number, { image, taps, positions }: Sizes): void {
  const wanted = [image[0], groups * taps * positions.length, ...positions];
  if (offsets.type.shape.join() !== wanted.join() || image[1] % groups !== 0) {
    throw malformedNode(node, `offsets are [${offsets.type.shape.join(",")}]; expected [${wanted.join(",")}]`);
  }
}

/** Place along each axis that each tap of each position reads without an offset: [taps, axes, …positions]. */
function tapOrigins(window: Window, { taps, positions }: Sizes): readonly number[] {
  const shape = [taps, positions.length, ...positions];
  const [steps, kernelSteps] = [stepsOf(shape), stepsOf(window.kernel)];
  return listed(elementCount(shape), (at) => {
    const [tap, axis, ...position] = coordinatesOf(at, steps, shape) as readonly [number, number, ...number[]];
    const own = coordinatesOf(tap, kernelSteps, window.kernel)[axis]!;
    return position[axis]! * window.strides[axis]! - window.padsBegin[axis]! + own * window.dilations[axis]!;
  });
}

/** What the taps of one offset group read: [batch, channels, taps, …positions]. */
function readTaps(
  b: ImportEmitter,
  image: Value,
  offsets: Value,
  mask: Value | undefined,
  origins: readonly number[],
  { taps, positions }: Sizes,
): Value {
  const [batch, channels, ...spatial] = image.type.shape as Sizes["image"];
  const rank = spatial.length;
  const { dtype } = image.type;
  const moved = b.emit("Add", [
    shaped(b, offsets, [batch, taps, rank, ...positions]),
    b.literal(literalOf(dtype, [1, taps, rank, ...positions], origins)),
  ]);
  // GridSample counts from −1 to 1 between the outer edges, the innermost axis first: p becomes (2p + 1)/size − 1.
  const units = splitAlong(b, moved, 2, new Array<number>(rank).fill(1)).map((places, axis) => {
    const doubled = b.emit("Add", [b.emit("Mul", [places, scalarOf(b, 2, places)]), scalarOf(b, 1, places)]);
    return b.emit("Sub", [b.emit("Div", [doubled, scalarOf(b, spatial[axis]!, places)]), scalarOf(b, 1, places)]);
  });
  // A line is an image of one row, and 0 is the middle of it.
  if (rank === 1) units.unshift(expanded(b, scalarOf(b, 0, image), units[0]!.type.shape));
  const axes = listed(positions.length, (axis) => axis + 3);
  const grid = permuted(b, concatenated(b, units.reverse(), 2), [0, 1, ...axes, 2]);
  const rows = [...new Array<number>(units.length - 2).fill(1), taps * elementCount(positions.slice(0, -1))];
  const seen = rank === 1 ? shaped(b, image, [batch, channels, 1, ...spatial]) : image;
  const sampled = b.emit("GridSample", [seen, shaped(b, grid, [batch, ...rows, positions.at(-1)!, units.length])], {
    mode: "linear",
    padding_mode: "zeros",
    align_corners: 0,
  });
  const read = shaped(b, sampled, [batch, channels, taps, ...positions]);
  return mask ? b.emit("Mul", [read, shaped(b, mask, [batch, 1, taps, ...positions])]) : read;
}

/** The product of what taps read with the weights [kernels, channels/groups, …taps], group by group. */
function grouped(
  b: ImportEmitter,
  read: Value,
  weights: Value,
  groups: number,
  { image, taps, positions }: Sizes,
): Value {
  const [batch, channels] = image;
  const kernels = weights.type.shape[0]!;
  const rows = (channels / groups) * taps;
  const columns = shaped(b, read, [batch, groups, rows, elementCount(positions)]);
  const matrix = shaped(b, weights, [groups, kernels / groups, rows]);
  return shaped(b, b.emit("MatMul", [matrix, columns]), [batch, kernels, ...positions]);
}
