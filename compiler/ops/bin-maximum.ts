/**
 * @file The gradient of the maximum over bins of boxes: to the first candidate of a bin, rows before columns, that
 * attains it. Weights are not negative, so the maximum is found row by row, then over the rows.
 */
import { listed } from "../ir/listed.js";
import type { Shape, Value } from "../ir/graph.js";
import { elementCount, literalOf } from "../ir/literal.js";
import type { Emitter } from "./define.js";
import { reshape, transpose, zeros } from "./emission.js";
import { add, mul, select } from "./expression.js";

/** What a bin takes the maximum over along one axis; all of shape [boxes, bins, candidates]. */
export interface Candidates {
  /** int64, in 0..size-1. */
  readonly position: Value;
  /** What the element counts with, 0 or more; 0 where there is no candidate. */
  readonly weight: Value;
  /** False where there is no candidate; undefined: all are. */
  readonly holds: Value | undefined;
}

/** Boxes on images [N, C, H, W]: the image of each, [boxes] of int64, and the candidates of their bins. */
export interface BinnedImage {
  readonly x: Value;
  readonly image: Value;
  readonly rows: Candidates;
  readonly columns: Candidates;
}

/** The least number of float32, so that 0 times it is a number. */
const LOWEST = -3.4028234663852886e38;

/** 0, step, 2·step, … in row-major order. */
function multiples(b: Emitter, shape: Shape, step: number): Value {
  const numbers = listed(elementCount(shape), (at) => at * step);
  return b.literal(literalOf("int64", shape, numbers));
}

/** The maxima over candidates that are rows of `table` [·, M], and which are the first ones: [boxes, bins, M]. */
function firstMaxima(b: Emitter, table: Value, at: Value, { weight, holds }: Candidates) {
  const shape = [...at.type.shape, 1];
  const weighted = mul(b, b.emit("Gather", [table, at], { axis: 0 }), reshape(b, weight, shape));
  const values = holds ? select(b, reshape(b, holds, shape), weighted, LOWEST) : weighted;
  return {
    maxima: b.emit("ReduceMax", [values, b.int64s([2])], { keepdims: 0 }),
    places: b.emit("ArgMax", [values], { axis: 2, keepdims: 0 }),
  };
}

/** The gradient of the image for `dy` [boxes, C, bins, bins]. Requires: no tensor is empty. */
export function maximumGradient(b: Emitter, { x, image, rows, columns }: BinnedImage, dy: Value): Value {
  const [batch, channels, height, width] = x.type.shape as readonly [number, number, number, number];
  const [boxes, , down, across] = dy.type.shape as readonly [number, number, number, number];
  const pixelColumns = reshape(b, transpose(b, x, [0, 3, 1, 2]), [batch * width, channels * height]);
  const firstColumn = reshape(b, mul(b, image, width), [boxes, 1, 1]);
  const alongRow = firstMaxima(b, pixelColumns, add(b, firstColumn, columns.position), columns);
  const perRow = transpose(b, reshape(b, alongRow.maxima, [boxes, across, channels, height]), [0, 3, 1, 2]);
  const firstRow = multiples(b, [boxes, 1, 1], height);
  const pixelRows = reshape(b, perRow, [boxes * height, across * channels]);
  const overRows = firstMaxima(b, pixelRows, add(b, firstRow, rows.position), rows);

  // From here on [boxes, down, across, channels]: which candidates they are, and where those lie.
  const read = (table: Value, at: Value): Value =>
    b.emit("Gather", [reshape(b, table, [elementCount(table.type.shape)]), at], { axis: 0 });
  const rowPlace = reshape(b, overRows.places, [boxes, down, across, channels]);
  const rowAt = add(b, multiples(b, [boxes, down, 1, 1], rows.position.type.shape[2]!), rowPlace);
  const row = read(rows.position, rowAt);
  const channel = multiples(b, [1, 1, 1, channels], height);
  const ofRow = add(b, add(b, multiples(b, [boxes, 1, across, 1], channels * height), channel), row);
  const columnPlace = read(alongRow.places, ofRow);
  const columnAt = add(b, multiples(b, [boxes, 1, across, 1], columns.position.type.shape[2]!), columnPlace);
  const column = read(columns.position, columnAt);
  const plane = mul(b, reshape(b, image, [boxes, 1, 1, 1]), channels * height);
  const place = add(b, mul(b, add(b, add(b, plane, channel), row), width), column);
  const weight = mul(b, read(rows.weight, rowAt), read(columns.weight, columnAt));
  const updates = mul(b, transpose(b, dy, [0, 2, 3, 1]), weight);

  const count = elementCount(dy.type.shape);
  const flat = zeros(b, { dtype: x.type.dtype, shape: [elementCount(x.type.shape)] });
  const sum = b.emit("ScatterElements", [flat, reshape(b, place, [count]), reshape(b, updates, [count])], {
    reduction: "add",
  });
  return reshape(b, sum, x.type.shape);
}
