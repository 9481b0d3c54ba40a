/** @file What shape rules share: refusing, axes, broadcasting, literal inputs. */
import { PipewrightError } from "../errors.js";
import type { Shape, TensorType } from "../ir/graph.js";
import { literalNumbers } from "../ir/literal.js";
import type { Operand } from "./define.js";

/** The error of a shape rule; the builder puts node and op in front. */
export function mismatch(message: string): PipewrightError {
  return new PipewrightError("SHAPE_MISMATCH", message);
}

/** "[2,3]". */
export function formatShape(shape: Shape): string {
  return `[${shape.join(",")}]`;
}

/** The operand at `index`. @throws SHAPE_MISMATCH when it is left out. */
export function operand(x: readonly (Operand | undefined)[], index: number): Operand {
  const value = x[index];
  if (!value) throw mismatch(`input ${index} is missing.`);
  return value;
}

/** The type of the operand at `index`. @throws SHAPE_MISMATCH when it is left out. */
export function typeAt(x: readonly (Operand | undefined)[], index: number): TensorType {
  return operand(x, index).type;
}

/** The numbers of the operand at `index`. @throws MODEL_UNSUPPORTED when it is not known at compile time. */
export function numbersAt(x: readonly (Operand | undefined)[], index: number): readonly number[] {
  const { literal } = operand(x, index);
  if (literal) return literalNumbers(literal);
  throw new PipewrightError(
    "MODEL_UNSUPPORTED",
    `input ${index} is not known at compile time, so the output has no static shape. Bind symbolic dimensions with --bind, or export with constant shapes.`,
  );
}

/** An axis in 0..rank-1. @throws SHAPE_MISMATCH when it lies outside -rank..rank-1. */
export function normalizeAxis(axis: number, rank: number): number {
  if (axis < -rank || axis >= rank) throw mismatch(`axis ${axis} is outside a tensor of ${rank} axes.`);
  return axis < 0 ? axis + rank : axis;
}

/** Distinct axes in 0..rank-1, in their order. @throws SHAPE_MISMATCH when one repeats or lies outside. */
export function distinctAxes(axes: readonly number[], rank: number): ReadonlySet<number> {
  const distinct = new Set(axes.map((axis) => normalizeAxis(axis, rank)));
  if (distinct.size !== axes.length) throw mismatch(`axes repeat; got [${axes.join(",")}] for ${rank} axes.`);
  return distinct;
}

/** Shape of a multidirectional (NumPy) broadcast. @throws SHAPE_MISMATCH when sizes differ and neither is 1. */
export function broadcastShapes(...shapes: readonly Shape[]): Shape {
  return broadcastAll(shapes);
}

/** The same of any number of shapes: a node may have more inputs than a call may have arguments. */
export function broadcastAll(shapes: readonly Shape[]): Shape {
  const rank = shapes.reduce((most, shape) => Math.max(most, shape.length), 0);
  return Array.from({ length: rank }, (_, axis) => {
    let size = 1;
    for (const shape of shapes) {
      const own = shape[axis - rank + shape.length] ?? 1;
      if (own === 1) continue;
      if (size !== 1 && size !== own) {
        throw mismatch(
          `shapes ${shapes.map(formatShape).join(" and ")} do not broadcast: axis ${axis - rank} has ${size} and ${own}.`,
        );
      }
      size = own;
    }
    return size;
  });
}

/** True when two shapes are equal axis by axis. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
