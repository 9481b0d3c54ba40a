/** @file Padding that copies an axis more than once, which engines refuse or compute wrongly: a Gather for each axis. */
import { padSources } from "../../ops/padding.js";
import type { Simplification } from "../source.js";
import { constantNumbers, inputAt, textAttr } from "../source.js";

/** Copies of one axis that a single pass over it gives: all but the mirror itself for reflect, the whole for wrap. */
const REACH: Readonly<Record<string, number>> = { reflect: 1, wrap: 0 };

/** Requires: pads for all axes. */
export const widePad: Simplification = (b, node) => {
  const mode = textAttr(node, "mode", "constant");
  if (mode !== "reflect" && mode !== "wrap") return undefined;
  const x = inputAt(node, 0);
  const { shape } = x.type;
  const pads = constantNumbers(b, node, 1);
  const sides = shape.map((size, axis) => ({ size, begin: pads[axis]!, end: pads[axis + shape.length]! }));
  const isWide = sides.some(({ size, begin, end }) => {
    const left = size + Math.min(0, begin) + Math.min(0, end);
    return left > 0 && Math.max(begin, end) > left - REACH[mode]!;
  });
  if (!isWide || pads.length !== 2 * shape.length) return undefined;
  const padded = sides.reduce((value, { size, begin, end }, axis) => {
    if (begin === 0 && end === 0) return value;
    return b.emit("Gather", [value, b.int64s(padSources(mode, size, begin, end))], { axis });
  }, x);
  return [padded];
};
