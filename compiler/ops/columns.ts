/** @file Col2Im: sums overlapping blocks into an image. Its gradient cuts the image into blocks. */
import { elementCount } from "../ir/literal.js";
import type { OpDef } from "./define.js";
import { ints } from "./define.js";
import { padZeros, reshape, slice } from "./emission.js";
import { formatShape, mismatch, numbersAt, typeAt } from "./shape.js";
import type { Window } from "./window.js";
import { cutsAtTap, resolveWindow, slideShape, tapsOf } from "./window.js";
import { perInputElement } from "./work.js";

export interface ColumnsAttrs {
  Col2Im: {
    readonly dilations?: readonly number[];
    readonly pads?: readonly number[];
    readonly strides?: readonly number[];
  };
}

function blockWindow(image: readonly number[], block: readonly number[], attrs: ColumnsAttrs["Col2Im"]): Window {
  return resolveWindow(image, block, { ...attrs, auto_pad: "NOTSET" });
}

export const columns: { readonly [K in keyof ColumnsAttrs]: OpDef<K> } = {
  Col2Im: {
    attributes: { dilations: ints(), pads: ints(), strides: ints() },
    infer: (x, attrs) => {
      const { dtype, shape } = typeAt(x, 0);
      const [image, block] = [numbersAt(x, 1), numbersAt(x, 2)];
      const [batch, rows, positions] = shape;
      const blocks = elementCount(slideShape(image, blockWindow(image, block, attrs), false));
      const channels = (rows ?? 0) / elementCount(block);
      if (shape.length !== 3 || positions !== blocks || !Number.isInteger(channels)) {
        throw mismatch(
          `columns do not fit; got ${formatShape(shape)}, expected [N,C·${elementCount(block)},${blocks}] for an image ${formatShape(image)}.`,
        );
      }
      return [{ dtype, shape: [batch!, channels, ...image] }];
    },
    work: perInputElement(1),
    // One slice of the padded image per place in the block.
    grad: (b, { x, dy: [dy], attrs }) => {
      const [image, block] = [numbersAt(x, 1), numbersAt(x, 2)];
      const window = blockWindow(image, block, attrs);
      const counts = slideShape(image, window, false);
      const padded = padZeros(b, dy!, [0, 0, ...window.padsBegin], [0, 0, ...window.padsEnd]);
      const [batch, channels] = dy!.type.shape;
      const parts = tapsOf(block).map((tap) => {
        return reshape(b, slice(b, padded, cutsAtTap(tap, counts, window)), [
          batch!,
          channels!,
          1,
          elementCount(counts),
        ]);
      });
      const stacked = parts.length === 1 ? parts[0]! : b.emit("Concat", parts, { axis: 2 });
      return [reshape(b, stacked, x[0]!.type.shape), undefined, undefined];
    },
  },
};
