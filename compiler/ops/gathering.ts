/** @file Ops that read elements at given indices: Gather, GatherElements, GatherND. Their gradients scatter. */
import { listed } from "../ir/listed.js";
import type { Literal, Shape, TensorType, Value } from "../ir/graph.js";
import { elementCount, literalNumbers, literalOf } from "../ir/literal.js";
import type { Emitter, OpDef, Operand } from "./define.js";
import { int } from "./define.js";
import { asType, inverseOf, padZeros, reshape, transpose, zeros } from "./emission.js";
import { picked, positionOf, stepsOf } from "./picking.js";
import { formatShape, mismatch, normalizeAxis, sameShape, typeAt } from "./shape.js";
import { copyWork } from "./work.js";

export interface GatheringAttrs {
  Gather: { readonly axis: number };
  GatherElements: { readonly axis: number };
  GatherND: { readonly batch_dims: number };
}

/** The type of an index tensor. @throws SHAPE_MISMATCH when it holds no indices. */
export function indicesAt(x: readonly (Operand | undefined)[], index: number): TensorType {
  const type = typeAt(x, index);
  if (type.dtype === "int64" || type.dtype === "int32") return type;
  throw mismatch(`input ${index} holds no indices; got ${type.dtype}, expected int64 or int32.`);
}

/** Throws when known indices point outside an axis of `size`. */
export function checkRange(indices: Literal | undefined, axis: number, size: number): void {
  const outside = indices && literalNumbers(indices).find((index) => index < -size || index >= size);
  if (outside !== undefined) {
    throw mismatch(`index ${outside} is out of range; axis ${axis} has ${size} elements.`);
  }
}

/** Throws when known index tuples point outside the first of `sizes`. */
export function checkTuples(indices: Literal | undefined, sizes: Shape): void {
  const length = indices?.shape.at(-1) ?? 0;
  if (!indices || length === 0) return;
  for (const [at, index] of literalNumbers(indices).entries()) {
    const size = sizes[at % length]!;
    if (index < -size || index >= size)
      throw mismatch(
        `index ${index} is out of range; axis ${at % length} of ${formatShape(sizes)} has ${size} elements.`,
      );
  }
}

/**
 * The adjoint of gathering along `axis`: a tensor of `shape` in which every slice of `dy` is added at its index.
 * `dy` has the axes of `indices` in place of `axis`. An embedding's gradient is one ScatterND on zeros.
 */
export function scatterAlong(b: Emitter, dy: Value, indices: Value, axis: number, type: TensorType): Value {
  const { shape } = type;
  const [before, count] = [axis, indices.type.shape.length];
  if (elementCount(dy.type.shape) === 0) return zeros(b, type);
  if (indices.literal && elementCount(indices.type.shape) === 1) {
    const [index] = literalNumbers(indices.literal);
    const at = index! < 0 ? index! + shape[axis]! : index!;
    const only = reshape(
      b,
      dy,
      shape.map((size, one) => (one === axis ? 1 : size)),
    );
    return padZeros(
      b,
      only,
      shape.map((_, one) => (one === axis ? at : 0)),
      shape.map((size, one) => (one === axis ? size - 1 - at : 0)),
    );
  }
  const axesOfDy = [...dy.type.shape.keys()];
  const indexAxes = axesOfDy.slice(before, before + count);
  const indexFirst = [...indexAxes, ...axesOfDy.slice(0, before), ...axesOfDy.slice(before + count)];
  const updates = transpose(b, dy, indexFirst);
  const axes = [...shape.keys()];
  const axisFirst = [axis, ...axes.filter((one) => one !== axis)];
  const target = zeros(b, { dtype: type.dtype, shape: axisFirst.map((one) => shape[one]!) });
  const rows = reshape(b, asType(b, indices, "int64"), [...indices.type.shape, 1]);
  const sum = b.emit("ScatterND", [target, rows, updates], { reduction: "add" });
  return transpose(b, sum, inverseOf(axisFirst));
}

/**
 * Indices of GatherND with batch axes, as indices without: each tuple gets the coordinates of its batch in front.
 * [B…, q…, r] becomes [B…, q…, batch + r].
 */
function withBatchCoordinates(b: Emitter, indices: Value, batch: number): Value {
  if (batch === 0) return indices;
  const { shape } = indices.type;
  const sizes = shape.slice(0, batch);
  const steps = stepsOf(sizes);
  const coordinates = listed(elementCount(sizes), (at) =>
    sizes.map((size, axis) => Math.floor(at / steps[axis]!) % size),
  );
  const alone = [...sizes, ...shape.slice(batch, -1).map(() => 1), batch];
  const grid = b.literal(literalOf(indices.type.dtype, alone, coordinates.flat()));
  const everywhere = b.emit("Expand", [grid, b.int64s([...shape.slice(0, -1), batch])]);
  return b.emit("Concat", [everywhere, indices], { axis: -1 });
}

function gatherNdShape(data: Shape, indices: Shape, batch: number): Shape {
  const tuple = indices.at(-1);
  if (tuple === undefined || data.length === 0) {
    throw mismatch(`data and indices need at least 1 axis; got ${formatShape(data)} and ${formatShape(indices)}.`);
  }
  if (batch < 0 || batch >= Math.min(data.length, indices.length) || tuple < 1 || tuple + batch > data.length) {
    throw mismatch(
      `index tuples do not fit; got tuples of ${tuple} with batch_dims=${batch} into ${formatShape(data)}.`,
    );
  }
  if (!sameShape(data.slice(0, batch), indices.slice(0, batch))) {
    throw mismatch(`batch axes differ; got ${formatShape(data)} and ${formatShape(indices)} with batch_dims=${batch}.`);
  }
  return [...indices.slice(0, -1), ...data.slice(batch + tuple)];
}

/** Throws unless indices have the axes of data, and along all but `axis` at most its size. */
export function checkElementIndices(data: Shape, indices: Shape, axis: number): void {
  if (indices.length !== data.length || indices.some((size, at) => at !== axis && size > data[at]!)) {
    throw mismatch(
      `indices do not fit; got ${formatShape(indices)} for data ${formatShape(data)}, expected as many axes and at most its sizes but for axis ${axis}.`,
    );
  }
}

export const gathering: { readonly [K in keyof GatheringAttrs]: OpDef<K> } = {
  Gather: {
    attributes: { axis: int(0) },
    infer: (x, attrs) => {
      const { dtype, shape } = typeAt(x, 0);
      const axis = normalizeAxis(attrs.axis, shape.length);
      checkRange(x[1]?.literal, axis, shape[axis]!);
      return [{ dtype, shape: [...shape.slice(0, axis), ...indicesAt(x, 1).shape, ...shape.slice(axis + 1)] }];
    },
    work: copyWork,
    grad: (b, { x: [data, indices], dy: [dy], attrs }) => {
      const axis = normalizeAxis(attrs.axis, data!.type.shape.length);
      return [scatterAlong(b, dy!, indices!, axis, data!.type), undefined];
    },
    fold: ([data, indices], attrs, [y]) => {
      const axis = normalizeAxis(attrs.axis, data!.shape.length);
      const [steps, indexSteps] = [stepsOf(data!.shape), stepsOf(indices!.shape)];
      const [numbers, count, size] = [literalNumbers(indices!), indices!.shape.length, data!.shape[axis]!];
      return [
        picked(y!, (at) => {
          const index = numbers[positionOf(at.slice(axis, axis + count), indexSteps)]!;
          const own = [...at.slice(0, axis), index < 0 ? index + size : index, ...at.slice(axis + count)];
          return { source: data!, position: positionOf(own, steps) };
        }),
      ];
    },
  },

  GatherElements: {
    attributes: { axis: int(0) },
    infer: (x, attrs) => {
      const { dtype, shape } = typeAt(x, 0);
      const axis = normalizeAxis(attrs.axis, shape.length);
      const indices = indicesAt(x, 1).shape;
      checkElementIndices(shape, indices, axis);
      checkRange(x[1]?.literal, axis, shape[axis]!);
      return [{ dtype, shape: indices }];
    },
    work: copyWork,
    // Places and numbers are values of this gradient: what makes the data may add them to its own (spread.ts) instead of
    // reading the zeros, and gets both from one stage.
    grad: (b, { x: [data, indices], dy: [dy], attrs: { axis } }) => {
      const [places, numbers] = [b.emit("Identity", [indices]), b.emit("Identity", [dy])];
      return [
        b.emit("ScatterElements", [zeros(b, data!.type), places, numbers], { axis, reduction: "add" }),
        undefined,
      ];
    },
  },

  GatherND: {
    attributes: { batch_dims: int(0) },
    infer: (x, { batch_dims }) => {
      const { dtype, shape } = typeAt(x, 0);
      const indices = typeAt(x, 1);
      if (indices.dtype !== "int64") throw mismatch(`input 1 holds no indices; got ${indices.dtype}, expected int64.`);
      const result = gatherNdShape(shape, indices.shape, batch_dims);
      checkTuples(x[1]?.literal, shape.slice(batch_dims));
      return [{ dtype, shape: result }];
    },
    work: copyWork,
    grad: (b, { x: [data, indices], dy: [dy], attrs: { batch_dims } }) => {
      const tuples = withBatchCoordinates(b, indices!, batch_dims);
      return [b.emit("ScatterND", [zeros(b, data!.type), tuples, dy], { reduction: "add" }), undefined];
    },
  },
};
