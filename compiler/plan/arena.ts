/** @file The flat memory of a stage's trained parameters: where each lies, and in how many slabs it is updated. */
import { elementCount } from "../ir/literal.js";
import type { PlanParameter } from "./plan.js";

/** Elements of one slab: small enough to stay in the cache through all operations of an update. */
export const SLAB_ELEMENTS = 65_536;

/** Parameters start at multiples of this many float32 elements (a cache line). */
const ALIGNMENT_ELEMENTS = 16;

/**
 * Geometry of an arena, in float32 elements. Every slab holds parameters of one group of the optimizer, which ends on a
 * whole slab; what lies between parameters is zero.
 */
export interface ArenaGeometry {
  readonly starts: ReadonlyMap<string, number>;
  readonly slabElements: number;
  readonly slabs: number;
  /** The group of each slab, as its parameters have it. */
  readonly groups: readonly PlanParameter["group"][];
}

/** What decides where a parameter lies. */
export type ArenaParameter = Pick<PlanParameter, "name" | "shape" | "group">;

/** Requires: at least one parameter, all float32. Ensures: parameters are disjoint, in the order given within a group. */
export function arenaGeometry(trained: readonly ArenaParameter[]): ArenaGeometry {
  const sections = [...new Set(trained.map(({ group }) => group))].map((group) => {
    const own = trained.filter((parameter) => parameter.group === group);
    return { group, own, elements: own.reduce((sum, { shape }) => sum + alignedElements(shape), 0) };
  });
  const { slabElements } = slabsOf(sections.map(({ elements }) => elements));
  const starts = new Map<string, number>();
  const groups: ArenaParameter["group"][] = [];
  for (const { group, own, elements } of sections) {
    let start = groups.length * slabElements;
    for (const { name, shape } of own) {
      starts.set(name, start);
      start += alignedElements(shape);
    }
    for (let slab = 0; slab < Math.ceil(elements / slabElements); slab++) groups.push(group);
  }
  return { starts, slabElements, slabs: groups.length, groups };
}

/** Slabs of groups of so many elements. Requires: some group. */
export function slabsOf(elements: readonly number[]): Pick<ArenaGeometry, "slabElements" | "slabs"> {
  const slabElements = Math.min(SLAB_ELEMENTS, Math.max(...elements));
  return { slabElements, slabs: elements.reduce((sum, own) => sum + Math.ceil(own / slabElements), 0) };
}

/** What a parameter takes of the arena. */
export function alignedElements(shape: ArenaParameter["shape"]): number {
  return Math.max(1, Math.ceil(elementCount(shape) / ALIGNMENT_ELEMENTS)) * ALIGNMENT_ELEMENTS;
}
