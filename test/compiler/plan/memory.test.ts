/** @file Predicted memory, counted by hand on small cases, and held to the limit that a plan is made for. */
import { describe, expect, it } from "vitest";
import type { PlanParameter } from "../../../compiler/plan/plan.js";
import { arenaGeometry, SLAB_ELEMENTS } from "../../../compiler/plan/arena.js";
import { residentBytes, ringBytes } from "../../../compiler/plan/memory.js";
import { ADAMW, SGD } from "../../support/tiny-models.js";

it("keeps gradient sums, optimizer states and a slab to undo for trained parameters only", () => {
  const parameter = (elements: number, trainable: boolean): PlanParameter => ({
    name: `p${elements}`,
    dtype: "float32",
    shape: [elements],
    stage: 0,
    readers: [],
    trainable,
  });
  expect(residentBytes([parameter(25, false)], ADAMW)).toBe(100);
  // 25 elements take 32 in the arena; parameter, sum, moments, and parameter and moments of the one slab.
  expect(residentBytes([parameter(25, true)], ADAMW)).toBe(4 * 32 * (4 + 3));
  expect(residentBytes([parameter(25, true), parameter(16, false)], SGD)).toBe(4 * 32 * (3 + 2) + 64);
  expect(residentBytes([], SGD)).toBe(0);
});

it("counts every slot of a ring", () => {
  const values = [
    { name: "a", dtype: "float32", shape: [2, 3], shared: false },
    { name: "b", dtype: "bool", shape: [5], shared: false },
  ] as const;
  const ring = {
    stage: 0,
    program: "forward",
    slots: 3,
    slotOf: [0, 1, 2],
    values,
    readers: [],
    previous: [],
  } as const;
  expect(ringBytes(ring)).toBe(3 * (24 + 5));
});

describe("an arena", () => {
  const spec = (name: string, ...shape: number[]) => ({ name, dtype: "float32", shape }) as const;

  it("of small parameters is one slab of exactly their size, each on its own cache lines", () => {
    const { starts, slabElements, slabs } = arenaGeometry([spec("a", 3), spec("b", 17), spec("c")]);
    expect([...starts]).toEqual([
      ["a", 0],
      ["b", 16],
      ["c", 48],
    ]);
    expect({ slabElements, slabs }).toEqual({ slabElements: 64, slabs: 1 });
  });

  it("gives an empty parameter a place of its own", () => {
    expect([...arenaGeometry([spec("a", 0), spec("b", 2)]).starts.values()]).toEqual([0, 16]);
  });

  it("ends on a whole slab when it is large", () => {
    const { slabElements, slabs } = arenaGeometry([spec("a", SLAB_ELEMENTS), spec("b", 1)]);
    expect({ slabElements, slabs }).toEqual({ slabElements: SLAB_ELEMENTS, slabs: 2 });
  });

  it("has slabs of one group each", () => {
    const inGroup = (group: number, name: string, elements: number) => ({ ...spec(name, elements), group });
    const parameters = [spec("a", 3), inGroup(1, "b", 20), spec("c", 17), inGroup(0, "d", 100), inGroup(1, "e", 1)];
    const { starts, slabElements, groups } = arenaGeometry(parameters);
    expect({ slabElements, groups }).toEqual({ slabElements: 112, groups: [undefined, 1, 0] });
    expect(Object.fromEntries(starts)).toEqual({ a: 0, c: 16, b: 112, e: 144, d: 224 });
  });
});
