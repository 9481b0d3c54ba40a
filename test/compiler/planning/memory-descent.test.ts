/** @file Boundaries move to where devices hold less, and only to cuts that are valid. */
import { expect, it } from "vitest";
import { violations } from "../../../compiler/partition/evaluate.js";
import type { PartitionProblem } from "../../../compiler/partition/problem.js";
import { descendMemory } from "../../../compiler/planning/memory-descent.js";
import { alike, block } from "../partition/problems.js";

const BLOCKS = 24;
const chain = (devices: number): PartitionProblem => ({
  graph: {
    blocks: Array.from({ length: BLOCKS }, (_, index) => block(index, 1)),
    nets: Array.from({ length: BLOCKS - 1 }, (_, from) => ({
      producer: from,
      consumers: [from + 1],
      forwardBytes: 1,
      gradBytes: 1,
    })),
  },
  model: "direct",
  stages: alike(devices).map((stage, device) => ({ ...stage, device })),
  link: { latencyMs: 0, bytesPerMs: 1 },
});

/** Every block holds a byte on its device. */
const count = (problem: PartitionProblem, devices: number) => (stageOf: readonly number[]) =>
  Array.from(
    { length: devices },
    (_, device) => stageOf.filter((stage) => problem.stages[stage]!.device === device).length,
  );

it.each([
  ["alike", [1, 1, 1], [8, 8, 8]],
  ["with other limits", [1, 2, 1], [6, 12, 6]],
  ["of which one has none", [1, Infinity, 1], [1, 22, 1]],
])("evens out what devices hold: %s", async (_, shares, expected) => {
  const problem = chain(3);
  const held = count(problem, 3);
  let best: readonly number[] = [];
  let least = Infinity;
  await descendMemory(problem, new Array<number>(BLOCKS).fill(2).fill(0, 0, 1).fill(1, 1, 3), {
    shares,
    most: 120,
    isEnough: async () => false,
    heldBytes: (stageOf) => {
      expect(violations(problem, stageOf)).toEqual([]);
      const bytes = held(stageOf);
      const most = Math.max(...bytes.map((own, device) => own / shares[device]!));
      if (most < least) [least, best] = [most, bytes];
      return bytes;
    },
  });
  expect(best).toEqual(expected);
});

it("moves nothing that is pinned, and ends when told to", async () => {
  const pinned = { ...chain(2), steering: { pins: [{ block: 20, stage: 0 }] } };
  const start = Array.from({ length: BLOCKS }, (_, index) => (index < 22 ? 0 : 1));
  const asked: (readonly number[])[] = [];
  const heldBytes = (stageOf: readonly number[]) => {
    asked.push(stageOf);
    return count(pinned, 2)(stageOf);
  };
  await descendMemory(pinned, start, { shares: [1, 1], heldBytes, most: 120, isEnough: async () => false });
  expect(asked.every((stageOf) => stageOf[20] === 0)).toBe(true);
  expect(Math.min(...asked.map((stageOf) => stageOf.filter((stage) => stage === 0).length))).toBe(21);
  asked.length = 0;
  await descendMemory(pinned, start, { shares: [1, 1], heldBytes, most: 120, isEnough: async () => true });
  expect(asked).toEqual([start]);
});
