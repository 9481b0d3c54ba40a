/** @file Cutting a tensor into slices along an axis, and putting slices together again. */
import { listed } from "../../ir/listed.js";
import type { Value } from "../../ir/graph.js";
import type { Emitter } from "../../ops/define.js";

/** The parts of `x` along `axis`, each as long as `sizes` says. One Split node; none when there is one part. */
export function splitAlong(b: Emitter, x: Value, axis: number, sizes: readonly number[]): readonly Value[] {
  if (sizes.length === 1) return [x];
  return b.emitMany("Split", [x, b.int64s(sizes)], sizes.length, { axis });
}

/** All slices of `x` along `axis`, without that axis. */
export function unstack(b: Emitter, x: Value, axis: number): readonly Value[] {
  const sizes = listed(x.type.shape[axis]!, () => 1);
  if (sizes.length === 0) return [];
  return splitAlong(b, x, axis, sizes).map((part) => b.emit("Squeeze", [part, b.int64s([axis])]));
}

/** Slices put together along a new axis. Requires: one at least. */
export function stack(b: Emitter, slices: readonly Value[], axis: number): Value {
  const wide = slices.map((slice) => b.emit("Unsqueeze", [slice, b.int64s([axis])]));
  return wide.length === 1 ? wide[0]! : b.emit("Concat", wide, { axis });
}
