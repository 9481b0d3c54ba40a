/** @file Undoing a broadcast: what gradient rules of elementwise ops share. */
import type { Shape, Value } from "../ir/graph.js";
import type { Emitter } from "./define.js";
import { reshape, sumOver } from "./emission.js";
import { sameShape } from "./shape.js";

/**
 * The gradient that arrives at an input of `shape` when its broadcast has gradient `dy`: sums over the axes that
 * were stretched. Emits nothing when the shapes are equal.
 */
export function unbroadcast(b: Emitter, dy: Value, shape: Shape): Value {
  if (sameShape(dy.type.shape, shape)) return dy;
  const extra = dy.type.shape.length - shape.length;
  const axes = dy.type.shape.flatMap((size, axis) =>
    axis < extra || (shape[axis - extra] === 1 && size !== 1) ? [axis] : [],
  );
  return reshape(b, sumOver(b, dy, axes, true), shape);
}
