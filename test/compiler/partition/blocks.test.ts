/** @file Blocks from forward nodes: groups, cycles, nets, order, speed. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blocksOf } from "../../../compiler/partition/blocks.js";
import type { ForwardModel, ForwardNode, ForwardTensor } from "../../../compiler/partition/forward-model.js";
import { growthAtFourTimes } from "../../support/growth.js";

function node(id: number, ms = 1): ForwardNode {
  const cost = { forwardMs: ms, inputGradMs: ms, weightGradMs: ms };
  return { id, name: `n${id}`, cost, parameterBytes: 1, residentBytes: 4, stashBytes: 2 };
}

function tensor(
  maker: number,
  readers: number[],
  bytes: number,
  direction: "forward" | "backward" = "forward",
): ForwardTensor {
  return { name: `${maker}>${readers}`, maker, readers, bytes, direction };
}

describe("blocksOf", () => {
  it("adds up tensors between the same blocks, both directions", () => {
    const { graph } = blocksOf({
      nodes: [node(10), node(11)],
      tensors: [tensor(10, [11], 5), tensor(10, [11], 7), tensor(11, [10], 3, "backward")],
    });
    expect(graph.nets).toEqual([{ producer: 0, consumers: [1], forwardBytes: 12, gradBytes: 3 }]);
  });

  it("keeps colocated nodes together and closes the cycle that this makes", () => {
    const { graph, stageOfNodes } = blocksOf({
      nodes: [node(0), node(1, 5), node(2), node(3)],
      tensors: [tensor(0, [1], 1), tensor(1, [2], 1), tensor(2, [3], 8)],
      colocate: [[0, 2]],
    });
    expect(graph.blocks.map((b) => b.nodes)).toEqual([[0, 1, 2], [3]]);
    expect(graph.blocks[0]).toMatchObject({ name: "n1", forwardMs: 7, residentBytes: 12, stashBytes: 6 });
    expect(graph.nets).toEqual([{ producer: 0, consumers: [1], forwardBytes: 8, gradBytes: 0 }]);
    expect([...stageOfNodes([0, 1])]).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
      [3, 1],
    ]);
  });

  it("keeps the order of a backward tensor that no forward tensor implies", () => {
    const { graph } = blocksOf({ nodes: [node(0), node(1)], tensors: [tensor(1, [0], 3, "backward")] });
    expect(graph.nets).toEqual([{ producer: 0, consumers: [1], forwardBytes: 0, gradBytes: 3 }]);
  });

  it("orders blocks topologically and loses no byte between blocks", () =>
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(11), fc.nat(11), fc.nat(9), fc.boolean()), { maxLength: 30 }),
        fc.array(fc.tuple(fc.nat(11), fc.nat(11)), { maxLength: 3 }),
        (links, colocate) => {
          const tensors = links
            .filter(([a, b]) => a !== b)
            .map(([a, b, bytes, forward]) =>
              forward
                ? tensor(Math.min(a, b), [Math.max(a, b)], bytes)
                : tensor(Math.max(a, b), [Math.min(a, b)], bytes, "backward"),
            );
          const model: ForwardModel = { nodes: Array.from({ length: 12 }, (_, id) => node(id)), tensors, colocate };
          const { graph, stageOfNodes } = blocksOf(model);
          const blockOf = stageOfNodes(graph.blocks.map((b) => b.index));
          for (const [a, b] of colocate) expect(blockOf.get(a)).toBe(blockOf.get(b));
          for (const net of graph.nets)
            if (net.ordered !== false) for (const v of net.consumers) expect(v).toBeGreaterThan(net.producer);
          const crossing = tensors.filter((t) => blockOf.get(t.maker) !== blockOf.get(t.readers[0]!));
          const sum = (of: readonly { bytes: number }[]): number => of.reduce((total, { bytes }) => total + bytes, 0);
          expect(graph.nets.reduce((total, n) => total + n.forwardBytes + n.gradBytes, 0)).toBe(sum(crossing));
        },
      ),
      { numRuns: 200, seed: 3 },
    ));

  it("takes time in proportion to the nodes, up to 20,000", () => {
    const chain = (size: number): ForwardModel => {
      const tensors: ForwardTensor[] = [];
      for (let v = 1; v < size; v++) {
        tensors.push(tensor(v - 1, v + 9 < size ? [v, v + 9] : [v], 64), tensor(v, [v - 1], 64, "backward"));
        if (v % 100 === 0) tensors.push(tensor(Math.floor(v / 2), [v], 8));
      }
      return { nodes: Array.from({ length: size }, (_, id) => node(id)), tensors };
    };
    const growth = growthAtFourTimes(5_000, (size) => {
      expect(blocksOf(chain(size)).graph.blocks.length).toBe(size);
    });
    expect(growth).toBeLessThan(10);
  });
});
