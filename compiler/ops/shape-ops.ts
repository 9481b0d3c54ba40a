/** @file Ops that make tensors out of shapes and counts: Shape, Size, ConstantOfShape, Range, EyeLike. */
import { listed } from "../ir/listed.js";
import type { DType, Literal, TensorType } from "../ir/graph.js";
import { elementCount, literalNumbers, literalOf } from "../ir/literal.js";
import type { NoAttrs, OpDef } from "./define.js";
import { int, noAttrs, tensor } from "./define.js";
import { elementTypeOf } from "./element-type.js";
import { FOLD_LIMIT, picked } from "./picking.js";
import { formatShape, mismatch, numbersAt, typeAt } from "./shape.js";
import { noWork, perElement } from "./work.js";

export interface ShapeAttrs {
  Shape: { readonly start: number; readonly end?: number };
  Size: NoAttrs;
  ConstantOfShape: { readonly value?: Literal };
  Range: NoAttrs;
  EyeLike: { readonly dtype?: number; readonly k: number };
}

/** The sizes of axes start..end-1, both counted from the end when negative, and clamped. */
function shapePart(shape: readonly number[], { start, end }: ShapeAttrs["Shape"]): readonly number[] {
  const rank = shape.length;
  const inside = (axis: number): number => Math.min(Math.max(axis < 0 ? axis + rank : axis, 0), rank);
  return shape.slice(inside(start), Math.max(inside(start), inside(end ?? rank)));
}

const integers = { none: "its result is made of sizes, not of elements" };
const constants = { none: "its result is constant" };

export const shapeOps: { readonly [K in keyof ShapeAttrs]: OpDef<K> } = {
  Shape: {
    attributes: { start: int(0), end: int() },
    infer: (x, attrs) => [{ dtype: "int64", shape: [shapePart(typeAt(x, 0).shape, attrs).length] }],
    work: noWork,
    grad: integers,
    fold: ([x], attrs, [y]) => [literalOf("int64", y!.shape, shapePart(x!.shape, attrs))],
  },

  Size: {
    attributes: noAttrs,
    infer: (x) => {
      typeAt(x, 0);
      return [{ dtype: "int64", shape: [] }];
    },
    work: noWork,
    grad: integers,
    fold: ([x]) => [literalOf("int64", [], [elementCount(x!.shape)])],
  },

  ConstantOfShape: {
    attributes: { value: tensor() },
    infer: (x, { value }) => {
      const shape = numbersAt(x, 0);
      if (shape.some((size) => size < 0)) throw mismatch(`a size is negative; got ${formatShape(shape)}.`);
      if (value && elementCount(value.shape) !== 1) {
        throw mismatch(`attribute "value" has shape ${formatShape(value.shape)}; expected 1 element.`);
      }
      return [{ dtype: value?.dtype ?? "float32", shape }];
    },
    work: perElement(0),
    grad: constants,
    fold: (_x, { value }, [y]) => {
      if (elementCount(y!.shape) > FOLD_LIMIT) return undefined;
      const source = value ?? literalOf("float32", [1], [0]);
      return [picked(y!, () => ({ source, position: 0 }))];
    },
  },

  Range: {
    attributes: noAttrs,
    infer: (x) => {
      const types = [typeAt(x, 0), typeAt(x, 1), typeAt(x, 2)];
      const dtype = types[0]!.dtype;
      for (const [index, type] of types.entries()) {
        if (type.dtype !== dtype || elementCount(type.shape) !== 1) {
          throw mismatch(`input ${index} is ${type.dtype}${formatShape(type.shape)}; expected a ${dtype} scalar.`);
        }
      }
      const [start, limit, delta] = [0, 1, 2].map((index) => numbersAt(x, index)[0]!) as [number, number, number];
      if (delta === 0) throw mismatch(`the step of the range is 0.`);
      const count = Math.ceil((limit - start) / delta);
      if (!Number.isFinite(count)) throw mismatch(`the range from ${start} to ${limit} by ${delta} has no end.`);
      return [{ dtype, shape: [Math.max(0, count)] }];
    },
    work: perElement(1),
    grad: constants,
    fold: ([start, , delta], _attrs, [y]) => {
      const count = y!.shape[0]!;
      if (count > FOLD_LIMIT) return undefined;
      const [first] = literalNumbers(start!);
      const [step] = literalNumbers(delta!);
      return [
        literalOf(
          y!.dtype,
          y!.shape,
          listed(count, (at) => first! + at * step!),
        ),
      ];
    },
  },

  EyeLike: {
    attributes: { dtype: int(), k: int(0) },
    infer: (x, attrs) => {
      const type = typeAt(x, 0);
      if (type.shape.length !== 2)
        throw mismatch(`input 0 is no matrix; got ${formatShape(type.shape)}, expected 2 axes.`);
      const dtype: DType = attrs.dtype === undefined ? type.dtype : elementTypeOf(attrs.dtype);
      return [{ dtype, shape: type.shape } satisfies TensorType];
    },
    work: perElement(0),
    grad: constants,
  },
};
