/** @file Nodes that no other reads: the engine comes to them last, or as soon as it can. */
import { expect, it } from "vitest";
import { GraphBuilder } from "../../../compiler/ir/builder.js";
import type { Node, Value } from "../../../compiler/ir/graph.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { engineOrder, sinksAtOnce } from "../../../compiler/plan/engine-order.js";

/** A chain of three nodes, with a sum over each of the first two, which also reads the input; and names of all. */
function chainWithSums() {
  const b = new GraphBuilder(OPS);
  const names = new Map<Node, string>();
  const named = (value: Value, name: string): Value => {
    names.set(b.maker(value)!, name);
    return value;
  };
  const x = b.input("x", { dtype: "float32", shape: [4] });
  const first = named(b.emit("Tanh", [x]), "first");
  named(b.emit("ReduceSum", [first, b.int64s([0])], { keepdims: 0 }), "sum of first");
  const second = named(b.emit("Tanh", [first]), "second");
  const shown = named(b.emit("Mul", [second, x]), "shown");
  named(b.emit("ReduceSum", [shown, b.int64s([0])], { keepdims: 0 }), "sum of shown");
  named(b.emit("Tanh", [second]), "third");
  return { nodes: b.nodes, textOf: (nodes: readonly Node[]) => nodes.map((node) => names.get(node)).join(", ") };
}

it("is the last of the nodes that no other reads first, so sums come late", () => {
  const { nodes, textOf } = chainWithSums();
  expect(textOf(engineOrder(nodes))).toBe("first, second, third, shown, sum of shown, sum of first");
});

it("comes to each as soon as it can when they are written so", () => {
  const { nodes, textOf } = chainWithSums();
  expect(textOf(sinksAtOnce(nodes))).toBe("first, second, shown, third, sum of shown, sum of first");
  expect(textOf(engineOrder(sinksAtOnce(nodes)))).toBe("first, sum of first, second, shown, sum of shown, third");
});
