/** @file Copies of nodes: over other inputs, with ids and names that the graph does not have. */
import { expect, it } from "vitest";
import { GraphBuilder } from "../../../compiler/ir/builder.js";
import { NodeCopier } from "../../../compiler/ir/copier.js";
import { OPS } from "../../../compiler/ops/registry.js";

it("gives every copy new ids and names, and the attributes and types of its original", () => {
  const builder = new GraphBuilder(OPS);
  const x = builder.input("x", { dtype: "float32", shape: [2, 3] });
  const first = builder.node("Transpose", [x], { perm: [1, 0] }, { outputs: ["y"] });
  const taken = builder.node("Relu", [x], {}, { name: `${first.name}/again`, outputs: ["y/again"] });
  const graph = builder.build("g", [first.outputs[0]!, taken.outputs[0]!]);
  const copier = new NodeCopier(graph, "/again");
  const copies = [copier.copy(first, [x]), copier.copy(first, taken.outputs as typeof first.inputs)];
  expect(copies.map(({ name, outputs }) => [name, outputs[0]!.name])).toEqual([
    [`${first.name}/again.1`, "y/again.1"],
    [`${first.name}/again.2`, "y/again.2"],
  ]);
  const nodes = [first, taken, ...copies];
  expect(new Set(nodes.map(({ id }) => id)).size).toBe(nodes.length);
  expect(new Set([x, ...nodes.map(({ outputs }) => outputs[0]!)].map(({ id }) => id)).size).toBe(nodes.length + 1);
  for (const [at, { op, attrs, inputs, outputs }] of copies.entries()) {
    expect({ op, attrs, type: outputs[0]!.type }).toEqual({
      op: "Transpose",
      attrs: first.attrs,
      type: first.outputs[0]!.type,
    });
    expect(inputs[0]).toBe(at === 0 ? x : taken.outputs[0]);
  }
});
