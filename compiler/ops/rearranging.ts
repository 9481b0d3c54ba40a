/** @file Ops that rearrange or mask elements by position: DepthToSpace, SpaceToDepth, ReverseSequence, Trilu. */
import type { Literal, Shape } from "../ir/graph.js";
import { hasPlainNumbers, literalNumbers, literalOf } from "../ir/literal.js";
import type { OpDef } from "./define.js";
import { int, required, text } from "./define.js";
import { reshape, transpose } from "./emission.js";
import { picked, positionOf, stepsOf } from "./picking.js";
import { formatShape, mismatch, normalizeAxis, sameShape, typeAt } from "./shape.js";
import { perElement } from "./work.js";

export interface RearrangingAttrs {
  DepthToSpace: { readonly blocksize: number; readonly mode: "DCR" | "CRD" };
  SpaceToDepth: { readonly blocksize: number };
  ReverseSequence: { readonly batch_axis: number; readonly time_axis: number };
  Trilu: { readonly upper: number };
}

type Image = readonly [number, number, number, number];

/** [N, C, H, W] whose channels or sides are multiples of what the block needs. */
function imageOf(shape: Shape, blocksize: number, multiples: readonly number[]): Image {
  const fits = shape.length === 4 && blocksize >= 1 && shape.every((size, axis) => size % multiples[axis]! === 0);
  if (fits) return shape as Image;
  throw mismatch(
    `blocks do not fit; got ${formatShape(shape)} with blocksize=${blocksize}, expected [N,C,H,W] with multiples of [${multiples.join(",")}].`,
  );
}

/** The diagonal offset of a Trilu node where it is known; 0 when left out. */
function diagonalOf(k: Literal | undefined): number {
  return k ? literalNumbers(k)[0]! : 0;
}

export const rearranging: { readonly [K in keyof RearrangingAttrs]: OpDef<K> } = {
  DepthToSpace: {
    attributes: { blocksize: required(int()), mode: text<"DCR" | "CRD">("DCR") },
    infer: (x, { blocksize, mode }) => {
      const { dtype, shape } = typeAt(x, 0);
      if (mode !== "DCR" && mode !== "CRD") {
        throw mismatch(`attribute "mode" is unknown; got "${String(mode)}", expected DCR or CRD.`);
      }
      const [batch, depth, height, width] = imageOf(shape, blocksize, [1, blocksize ** 2, 1, 1]);
      return [{ dtype, shape: [batch, depth / blocksize ** 2, height * blocksize, width * blocksize] }];
    },
    work: perElement(0),
    grad: (b, { x: [x], dy: [dy], attrs: { blocksize, mode } }) => {
      if (mode === "DCR") return [b.emit("SpaceToDepth", [dy], { blocksize })];
      const [batch, depth, height, width] = x!.type.shape as Image;
      const blocks = reshape(b, dy!, [batch, depth / blocksize ** 2, height, blocksize, width, blocksize]);
      return [reshape(b, transpose(b, blocks, [0, 1, 3, 5, 2, 4]), x!.type.shape)];
    },
  },

  SpaceToDepth: {
    attributes: { blocksize: required(int()) },
    infer: (x, { blocksize }) => {
      const { dtype, shape } = typeAt(x, 0);
      const [batch, depth, height, width] = imageOf(shape, blocksize, [1, 1, blocksize, blocksize]);
      return [{ dtype, shape: [batch, depth * blocksize ** 2, height / blocksize, width / blocksize] }];
    },
    work: perElement(0),
    grad: (b, { dy: [dy], attrs: { blocksize } }) => [b.emit("DepthToSpace", [dy], { blocksize, mode: "DCR" })],
  },

  ReverseSequence: {
    attributes: { batch_axis: int(1), time_axis: int(0) },
    infer: (x, attrs) => {
      const type = typeAt(x, 0);
      const [batch, time] = [attrs.batch_axis, attrs.time_axis].map((axis) => normalizeAxis(axis, type.shape.length));
      const lengths = typeAt(x, 1).shape;
      if (batch === time || Math.max(batch!, time!) > 1) {
        throw mismatch(`batch_axis=${batch} and time_axis=${time}; expected 0 and 1 in either order.`);
      }
      if (!sameShape(lengths, [type.shape[batch!]!])) {
        throw mismatch(`lengths do not fit; got ${formatShape(lengths)}, expected [${type.shape[batch!]}].`);
      }
      return [type];
    },
    work: perElement(0),
    grad: (b, { x: [, lengths], dy: [dy], attrs }) => [b.emit("ReverseSequence", [dy, lengths], attrs), undefined],
  },

  Trilu: {
    attributes: { upper: int(1) },
    infer: (x) => {
      const type = typeAt(x, 0);
      if (type.shape.length < 2) throw mismatch(`input 0 is no matrix; got ${formatShape(type.shape)}.`);
      return [type];
    },
    work: perElement(0),
    grad: (b, { x: [, k], dy: [dy], attrs }) => [b.emit("Trilu", [dy, k], attrs), undefined],
    fold: ([source, k], { upper }, [y]) => {
      if (!hasPlainNumbers(y!.dtype)) return undefined;
      const zero = literalOf(y!.dtype, [1], [0]);
      const steps = stepsOf(y!.shape);
      const diagonal = diagonalOf(k);
      const kept = (row: number, column: number): boolean =>
        upper ? column - row >= diagonal : column - row <= diagonal;
      return [
        picked(y!, (at) =>
          kept(at.at(-2)!, at.at(-1)!)
            ? { source: source!, position: positionOf(at, steps) }
            : { source: zero, position: 0 },
        ),
      ];
    },
  },
};
