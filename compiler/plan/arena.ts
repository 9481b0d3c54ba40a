/** @file The flat memory of a stage's trained parameters: where each lies, and in how many slabs it is updated. */
import { elementCount } from "../ir/literal.js";
import type { TensorSpec } from "./plan.js";

/** Elements of one slab: small enough to stay in the cache through all operations of an update. */
export const SLAB_ELEMENTS = 65_536;

/** Parameters start at multiples of this many float32 elements (a cache line). */
const ALIGNMENT_ELEMENTS = 16;

/** Geometry of an arena, in float32 elements. The arena ends on a whole slab; what lies between parameters is zero. */
export interface ArenaGeometry {
  readonly starts: ReadonlyMap<string, number>;
  readonly slabElements: number;
  readonly slabs: number;
}

/** Requires: at least one parameter, all float32. Ensures: parameters are disjoint, in the order given. */
export function arenaGeometry(trained: readonly TensorSpec[]): ArenaGeometry {
  const starts = new Map<string, number>();
  let elements = 0;
  for (const { name, shape } of trained) {
    starts.set(name, elements);
    elements += Math.max(1, Math.ceil(elementCount(shape) / ALIGNMENT_ELEMENTS)) * ALIGNMENT_ELEMENTS;
  }
  const slabElements = Math.min(SLAB_ELEMENTS, elements);
  return { starts, slabElements, slabs: Math.ceil(elements / slabElements) };
}
