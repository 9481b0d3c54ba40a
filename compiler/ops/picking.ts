/** @file Constant folding of ops that only move elements: each output element is named by its place in an input. */
import { listed } from "../ir/listed.js";
import { invariant } from "../errors.js";
import type { Literal, Shape, TensorType } from "../ir/graph.js";
import { allocateElements, elementCount } from "../ir/literal.js";

/** Most elements that an op which makes more out of few (Expand, Tile, Range, …) is folded to. */
export const FOLD_LIMIT = 65536;

/** Elements by which each axis advances in row-major order. */
export function stepsOf(shape: Shape): readonly number[] {
  const steps = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) steps[axis] = steps[axis + 1]! * shape[axis + 1]!;
  return steps;
}

/** Coordinates of the element at a row-major position. */
export function coordinatesOf(position: number, steps: readonly number[], shape: Shape): readonly number[] {
  return steps.map((step, axis) => Math.floor(position / step) % shape[axis]!);
}

/** Row-major position of an element. */
export function positionOf(coordinates: readonly number[], steps: readonly number[]): number {
  return coordinates.reduce((sum, coordinate, axis) => sum + coordinate * steps[axis]!, 0);
}

/** The literal of `type` whose element at `coordinates` is element `position` of `source`, as `from` says. */
export function picked(
  type: TensorType,
  from: (coordinates: readonly number[]) => { readonly source: Literal; readonly position: number },
): Literal {
  const count = elementCount(type.shape);
  const steps = stepsOf(type.shape);
  const pickAt = (at: number): string | number | bigint => {
    const { source, position } = from(coordinatesOf(at, steps, type.shape));
    invariant(
      position >= 0 && position < source.elements.length,
      `picked element ${position} of ${source.elements.length}`,
    );
    return source.elements[position]!;
  };
  if (type.dtype === "string") {
    return { ...type, elements: listed(count, (at) => pickAt(at) as string) };
  }
  const elements = allocateElements(type.dtype, count);
  for (let at = 0; at < count; at++) elements[at] = pickAt(at) as never;
  return { ...type, elements };
}

/** The same elements under another shape. */
export function reshaped(source: Literal, type: TensorType): Literal {
  return { dtype: source.dtype, shape: type.shape, elements: source.elements };
}
