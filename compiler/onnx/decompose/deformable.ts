/**
 * @file DeformConv: each tap of each output position reads the image at a place of its own. GridSample reads, one node
 * per offset group, and a product with the weights follows. Source: ONNX DeformConv-22.
 */
import type { Value } from "../../ir/graph.js";
import { elementCount, literalOf } from "../../ir/literal.js";
import { resolveWindow, slideShape } from "../../ops/window.js";
import type { Decomposition, ImportEmitter, SourceNode } from "../source.js";
import { inputAt, malformedNode, numberAttr, numbersAttr, unsupportedNode } from "../source.js";
import { splitAlong } from "../structural/slices.js";
import { concatenated, permuted, scalarOf, shaped } from "./emission.js";

/** Sizes of one node: images [batch, channels, height, width], taps per position, and positions [rows, columns]. */
interface Sizes {
  readonly image: readonly [batch: number, channels: number, height: number, width: number];
  readonly taps: number;
  readonly positions: readonly [rows: number, columns: number];
}

/** Inputs x, weights, offsets [batch, groups·taps·2, rows, columns], bias, mask [batch, groups·taps, rows, columns]. */
export const deformConv: Decomposition = (b, node) => {
  const [x, weights, offsets] = [inputAt(node, 0), inputAt(node, 1), inputAt(node, 2)];
  const { shape } = x.type;
  if (shape.length !== 4) throw unsupportedNode(`it has ${shape.length - 2} spatial axes; only 2 are supported.`);
  const [kernels, , ...kernel] = weights.type.shape as readonly [number, number, number, number];
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
    positions: slideShape(shape.slice(2), window, false) as unknown as Sizes["positions"],
  };
  const groups = numberAttr(node, "offset_group", 1);
  checkOffsets(node, offsets, groups, sizes);
  const origins = tapOrigins(window, sizes);
  const equal = (count: number): readonly number[] => new Array<number>(groups).fill(count / groups);
  const images = splitAlong(b, x, 1, equal(shape[1]!));
  const moves = splitAlong(b, offsets, 1, equal(offsets.type.shape[1]!));
  const masks = node.inputs[4] && splitAlong(b, node.inputs[4], 1, equal(groups * sizes.taps));
  const read = images.map((image, at) => readTaps(b, image, moves[at]!, masks?.[at], origins, sizes));
  const product = grouped(b, concatenated(b, read, 1), weights, numberAttr(node, "group", 1), sizes);
  const bias = node.inputs[3];
  return [bias ? b.emit("Add", [product, shaped(b, bias, [kernels, 1, 1])]) : product];
};

function checkOffsets(node: SourceNode, offsets: Value, groups: number, { image, taps, positions }: Sizes): void {
  const wanted = [image[0], groups * taps * 2, ...positions];
  if (offsets.type.shape.join() !== wanted.join() || image[1] % groups !== 0) {
    throw malformedNode(node, `offsets are [${offsets.type.shape.join(",")}]; expected [${wanted.join(",")}]`);
  }
}

/** Row and column that each tap of each position reads without an offset: [taps, 2, rows, columns]. */
function tapOrigins(
  window: ReturnType<typeof resolveWindow>,
  { taps, positions: [rows, columns] }: Sizes,
): readonly number[] {
  const along = (axis: 0 | 1, tap: number, position: number): number =>
    position * window.strides[axis]! - window.padsBegin[axis]! + tap * window.dilations[axis]!;
  const width = window.kernel[1]!;
  return Array.from({ length: taps * 2 * rows * columns }, (_, at) => {
    const column = at % columns;
    const row = Math.floor(at / columns) % rows;
    const part = Math.floor(at / (columns * rows));
    const tap = Math.floor(part / 2);
    return part % 2 === 0 ? along(0, Math.floor(tap / width), row) : along(1, tap % width, column);
  });
}

/** What the taps of one offset group read: [batch, channels, taps, rows, columns]. */
function readTaps(
  b: ImportEmitter,
  image: Value,
  offsets: Value,
  mask: Value | undefined,
  origins: readonly number[],
  { taps, positions: [rows, columns] }: Sizes,
): Value {
  const [batch, channels, height, width] = image.type.shape as Sizes["image"];
  const { dtype } = image.type;
  if (dtype !== "float32" && dtype !== "float64") throw unsupportedNode(`an image of ${dtype} is not supported.`);
  const moved = b.emit("Add", [
    shaped(b, offsets, [batch, taps, 2, rows, columns]),
    b.literal(literalOf(dtype, [1, taps, 2, rows, columns], origins)),
  ]);
  // GridSample counts from −1 to 1 between the outer edges, x first: p becomes (2p + 1)/size − 1.
  const [row, column] = splitAlong(b, moved, 2, [1, 1]).map((places, axis) => {
    const doubled = b.emit("Add", [b.emit("Mul", [places, scalarOf(b, 2, places)]), scalarOf(b, 1, places)]);
    const share = b.emit("Div", [doubled, scalarOf(b, axis === 0 ? height : width, places)]);
    return b.emit("Sub", [share, scalarOf(b, 1, places)]);
  }) as [Value, Value];
  const grid = permuted(b, concatenated(b, [column, row], 2), [0, 1, 3, 4, 2]);
  const sampled = b.emit("GridSample", [image, shaped(b, grid, [batch, taps * rows, columns, 2])], {
    mode: "linear",
    padding_mode: "zeros",
    align_corners: 0,
  });
  const read = shaped(b, sampled, [batch, channels, taps, rows, columns]);
  return mask ? b.emit("Mul", [read, shaped(b, mask, [batch, 1, taps, rows, columns])]) : read;
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
  const columns = shaped(b, read, [batch, groups, rows, positions[0] * positions[1]]);
  const matrix = shaped(b, weights, [groups, kernels / groups, rows]);
  return shaped(b, b.emit("MatMul", [matrix, columns]), [batch, kernels, ...positions]);
}
