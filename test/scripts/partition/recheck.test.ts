/** @file The bench's second count against the partitioner's own, on workloads in the text of both formats. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluate } from "../../../compiler/partition/evaluate.js";
import { partition } from "../../../compiler/partition/partition.js";
import { recheckPlacement, recheckProfile } from "../../../scripts/partition/recheck.js";
import { copyPlacement, copyProfile } from "../../../scripts/partition/serial-copies.js";
import { problemOf, recheck } from "../../../scripts/partition/workload.js";

const time = fc.integer({ min: 0, max: 9 });

/** A training workload: forward nodes in a random order of edges, a backward node for some, and one that has no forward node. */
const placement = fc.integer({ min: 2, max: 7 }).chain((size) =>
  fc
    .record({
      times: fc.array(time, { minLength: 2 * size, maxLength: 2 * size }),
      costs: fc.array(time, { minLength: 2 * size + 1, maxLength: 2 * size + 1 }),
      pairs: fc.array(fc.uniqueArray(fc.integer({ min: 0, max: size - 1 }), { minLength: 2, maxLength: 2 }), {
        maxLength: 2 * size,
      }),
      isColoured: fc.boolean(),
    })
    .map(({ times, costs, pairs, isColoured }) => {
      const color = (v: number) => (isColoured ? { colorClass: v } : {});
      const forward = Array.from({ length: size }, (_, v) => ({
        id: v,
        fpgaLatency: times[v]!,
        isBackwardNode: false,
        colorClass: v,
        size: 1,
      }));
      const backward = Array.from({ length: size }, (_, v) => ({
        id: size + v,
        fpgaLatency: times[size + v]!,
        isBackwardNode: 1,
        ...color(v),
      }));
      const orphan = { id: 2 * size, fpgaLatency: 2, isBackwardNode: true, size: 0 };
      const edges = pairs.flatMap(([a, b]) => {
        const [u, v] = [Math.min(a!, b!), Math.max(a!, b!)];
        return [
          { sourceId: u, destId: v, cost: costs[u]! },
          { sourceId: size + v, destId: size + u, cost: costs[size + v]! },
          { sourceId: size + v, destId: 2 * size, cost: costs[size + v]! },
        ];
      });
      return JSON.stringify({ maxSizePerFPGA: 1000, nodes: [...forward, ...backward, orphan], edges });
    }),
);

const profile = fc.integer({ min: 2, max: 8 }).chain((size) =>
  fc
    .record({
      times: fc.array(fc.tuple(time, time, time), { minLength: size, maxLength: size }),
      pairs: fc.array(fc.uniqueArray(fc.integer({ min: 0, max: size - 1 }), { minLength: 2, maxLength: 2 }), {
        maxLength: 2 * size,
      }),
    })
    .map(({ times, pairs }) =>
      [
        ...pairs.map((pair) => `\tn${Math.min(...pair)} -- n${Math.max(...pair)}`),
        ...times.map(
          ([f, b, a], v) =>
            `n${v} -- Op(x, y=${v}) -- forward_compute_time=${f}.000, backward_compute_time=${b}.0, ` +
            `activation_size=[${a}e6; 1.0], parameter_size=0.0`,
        ),
      ].join("\n"),
    ),
);

describe("the second count", () => {
  it.each(["direct", "relay"] as const)("agrees with the partitioner's: %s", (model) =>
    fc.assert(
      fc.asyncProperty(fc.oneof(placement, profile), fc.integer({ min: 1, max: 5 }), async (text, stages) => {
        const workload = { name: "random", text };
        const problem = problemOf(workload, stages, model);
        const { stageOf, certificate } = await partition(problem, { solver: undefined });
        const second = recheck(workload, problem, stageOf);
        expect(second.broken).toEqual([]);
        expect(second.maxLoad).toBeCloseTo(certificate.bottleneckMs, 9);
      }),
      { numRuns: 60, seed: 71 },
    ),
  );

  it("is right by hand", () => {
    const text = JSON.stringify({
      maxSizePerFPGA: 5,
      nodes: [
        { id: 7, fpgaLatency: 1, isBackwardNode: 0, size: 3 },
        { id: 8, fpgaLatency: 2, isBackwardNode: 0, size: 3 },
        { id: 9, fpgaLatency: 4, isBackwardNode: 0, size: 3 },
      ],
      edges: [
        { sourceId: 7, destId: 8, cost: 10 },
        { sourceId: 7, destId: 9, cost: 10 },
        { sourceId: 8, destId: 9, cost: 20 },
      ],
    });
    expect(recheckPlacement(text, 3, false, [0, 1, 2])).toEqual({ maxLoad: 34, broken: [] });
    expect(recheckPlacement(text, 3, true, [0, 1, 2])).toEqual({ maxLoad: 42, broken: [] });
    expect(recheckPlacement(text, 2, false, [1, 0, 1]).broken).toEqual([
      "stage 1 holds 6 bytes of 5",
      "edge 7 → 8 goes back",
    ]);
    const graph = "a -- x -- forward_compute_time=1, backward_compute_time=2, activation_size=25e6, parameter_size=0\n";
    expect(recheckProfile(`${graph}${graph.replace("a", "b")}\ta -- b`, 2, false, [0, 1]).maxLoad).toBe(5);
  });

  it("sees an assignment that the partitioner would not give", () => {
    const chain = Array.from({ length: 4 }, (_, v) => ({ id: v, fpgaLatency: 1, isBackwardNode: 0 }));
    const edges = [0, 1, 2].map((v) => ({ sourceId: v, destId: v + 1, cost: 1 }));
    const workload = { name: "chain", text: JSON.stringify({ maxSizePerFPGA: 1, nodes: chain, edges }) };
    const problem = problemOf(workload, 2, "direct");
    expect(recheck(workload, problem, [0, 0, 1, 1])).toEqual({ maxLoad: 3, broken: [] });
    expect(recheck(workload, problem, [0, 1, 0, 1]).broken).toEqual(["edge 1 → 2 goes back"]);
    expect(evaluate(problem, [0, 0, 0, 1]).bottleneckMs).toBe(recheck(workload, problem, [0, 0, 0, 1]).maxLoad);
  });
});

describe("copies", () => {
  const options = { copies: 3, perturb: 0.2, seed: 5 };

  it("are one after the other, the same for the same seed", () => {
    fc.assert(
      fc.property(placement, (text) => {
        const copied = copyPlacement(text, options);
        expect(copyPlacement(text, options)).toBe(copied);
        const single = problemOf({ name: "x", text }, 2, "direct").graph;
        const triple = problemOf({ name: "x3", text: copied }, 2, "direct").graph;
        expect(triple.blocks.length).toBe(3 * single.blocks.length);
      }),
      { numRuns: 20, seed: 72 },
    );
  });

  it("of a profile change times and tensors by the share that is asked for", () => {
    const text =
      "a -- x -- forward_compute_time=10, backward_compute_time=20, activation_size=1000, parameter_size=7\n" +
      "b -- y -- forward_compute_time=10, backward_compute_time=20, activation_size=[1000; 10], parameter_size=7\n\ta -- b\n";
    const { blocks, nets } = problemOf({ name: "x3", text: copyProfile(text, options) }, 2, "relay").graph;
    expect(blocks.map(({ parameterBytes }) => parameterBytes)).toEqual(new Array(6).fill(7));
    for (const { forwardMs } of blocks) expect(Math.abs(forwardMs - 10)).toBeLessThanOrEqual(2);
    expect(new Set(blocks.map(({ forwardMs }) => forwardMs)).size).toBe(6);
    expect(nets.map(({ producer, consumers }) => [producer, ...consumers])).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
      [4, 5],
    ]);
  });
});
