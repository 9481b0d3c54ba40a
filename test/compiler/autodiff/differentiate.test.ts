/** @file The reverse sweep: its text on a small perceptron, sums in one order, where gradients start and stop, refusals. */
import { describe, expect, it } from "vitest";
import { differentiate } from "../../../compiler/autodiff/differentiate.js";
import type { Differentiated } from "../../../compiler/autodiff/differentiated.js";
import type { Graph, Value } from "../../../compiler/ir/graph.js";
import { GraphBuilder } from "../../../compiler/ir/builder.js";
import { formatNode } from "../../../compiler/ir/print.js";
import { verify } from "../../../compiler/ir/verify.js";
import type { OpTable } from "../../../compiler/ops/define.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { f32 } from "../../support/onnx-model.js";

/** Builds a graph with `make` and differentiates its first output with respect to inputs and parameters by name. */
function differentiated(make: (b: GraphBuilder) => Value, wrt: readonly string[], ops: OpTable = OPS): Differentiated {
  const builder = new GraphBuilder(OPS);
  const loss = make(builder);
  const graph = builder.build("test", [loss]);
  const result = differentiate(graph, ops, { seeds: [{ output: loss }], wrt: named(graph, wrt) });
  verify(result.graph, OPS, "differentiation");
  return result;
}

function named({ inputs, params }: Graph, names: readonly string[]): Value[] {
  return names.map((name) => [...inputs, ...params].find((value) => value.name === name)!);
}

const backward = ({ graph, phase }: Differentiated): string[] =>
  graph.nodes.filter(({ id }) => phase.get(id) !== "F").map((node) => `${phase.get(node.id)} ${formatNode(node)}`);

describe("the backward pass", () => {
  it("of one layer reads like the chain rule", () => {
    const result = differentiated(
      (b) => {
        const [x, w] = [b.input("x", f32(2, 3)), b.param("w", f32(3, 4))];
        const [h] = b.node("MatMul", [x, w], {}, { name: "layer", outputs: ["h"] }).outputs;
        const [y] = b.node("Tanh", [h], {}, { name: "active", outputs: ["y"] }).outputs;
        return b.node("ReduceSum", [y], { keepdims: 0 }, { name: "sum", outputs: ["loss"] }).outputs[0]!;
      },
      ["w", "x"],
    );
    expect(backward(result)).toMatchInlineSnapshot(`
      [
        "I sum/grad/Reshape_4_0 = Reshape(1, {1, 1}) allowzero=0 : float32[1,1]",
        "I sum/grad/Expand_5_0 = Expand(sum/grad/Reshape_4_0, {2, 4}) : float32[2,4]",
        "I active/grad/Mul_6_0 = Mul(y, y) : float32[2,4]",
        "I active/grad/Sub_7_0 = Sub(1, active/grad/Mul_6_0) : float32[2,4]",
        "I active/grad/Mul_8_0 = Mul(sum/grad/Expand_5_0, active/grad/Sub_7_0) : float32[2,4]",
        "I layer/grad/Gemm_9_0 = Gemm(active/grad/Mul_8_0, w) alpha=1 beta=1 transA=0 transB=1 : float32[2,3]",
        "W layer/grad/Gemm_10_0 = Gemm(x, active/grad/Mul_8_0) alpha=1 beta=1 transA=1 transB=0 : float32[3,4]",
      ]
    `);
    expect(result.parameterGrads.map(({ of }) => of.name)).toEqual(["w"]);
    expect(result.inputGrads.map(({ of }) => of.name)).toEqual(["x"]);
  });

  it("keeps forward nodes first, and gives every node a phase and a forward owner on its own stage", () => {
    const { graph, phase, owner } = differentiated(
      (b) => b.emit("ReduceMean", [b.emit("Exp", [b.emit("Mul", [b.param("w", f32(3)), b.input("x", f32(3))])])]),
      ["w"],
    );
    const phases = graph.nodes.map(({ id }) => phase.get(id)!);
    expect(phases.lastIndexOf("F")).toBe(2);
    const forward = new Set(graph.nodes.slice(0, 3).map(({ id }) => id));
    for (const { id } of graph.nodes) expect(forward).toContain(owner.get(id));
    for (const { id } of graph.nodes.slice(0, 3)) expect(owner.get(id)).toBe(id);
  });

  it("drops what no gradient needs", () => {
    const result = differentiated(
      (b) => b.emit("ReduceSum", [b.emit("MatMul", [b.input("x", f32(2, 3)), b.param("w", f32(3, 4))])]),
      ["w"],
    );
    expect(backward(result).join("\n")).not.toContain("float32[2,3]");
  });
});

describe("sums of contributions", () => {
  const sums = (result: Differentiated): string[] => backward(result).filter((line) => line.includes("= Add("));

  it("are made from the last reader to the first, each addition owned by the reader that adds", () => {
    const result = differentiated(
      (b) => {
        const x = b.param("x", f32(2));
        const readers = (["Sin", "Cos", "Tanh"] as const).map((op) => b.emit(op, [x]));
        return b.emit("ReduceSum", [readers.reduce((sum, value) => b.emit("Add", [sum, value]))]);
      },
      ["x"],
    );
    expect(sums(result)).toMatchInlineSnapshot(`
      [
        "W Cos_1/grad/Add_13_0 = Add(Tanh_2/grad/Mul_9_0, Cos_1/grad/Neg_12_0) : float32[2]",
        "W Sin_0/grad/Add_16_0 = Add(Cos_1/grad/Add_13_0, Sin_0/grad/Mul_15_0) : float32[2]",
      ]
    `);
    const [gradient] = result.parameterGrads;
    expect(result.graph.nodes.find(({ id }) => id === gradient!.owner)!.op).toBe("Sin");
  });

  it("add both sides of a node that reads a value twice", () => {
    const result = differentiated(
      (b) => {
        const x = b.param("x", f32(2));
        return b.emit("ReduceSum", [b.emit("Mul", [x, x])]);
      },
      ["x"],
    );
    expect(sums(result)).toHaveLength(1);
  });

  it("give tied weights one gradient, owned by the first reader", () => {
    const result = differentiated(
      (b) => {
        const [x, w] = [b.input("x", f32(2, 3)), b.param("w", f32(3, 3))];
        const first = b.node("MatMul", [x, w], {}, { name: "first", outputs: [""] }).outputs[0]!;
        const second = b.node("MatMul", [first, w], {}, { name: "second", outputs: [""] }).outputs[0]!;
        return b.emit("ReduceSum", [second]);
      },
      ["w"],
    );
    expect(result.parameterGrads).toHaveLength(1);
    const [{ grad, owner }] = result.parameterGrads as [Differentiated["parameterGrads"][0]];
    expect(result.graph.nodes.find(({ id }) => id === owner)!.name).toBe("first");
    expect(result.graph.nodes.at(-1)!.outputs[0]).toBe(grad);
  });
});

describe("gradients start", () => {
  const square = (b: GraphBuilder): Value => b.emit("Mul", [b.input("x", f32(2)), b.param("w", f32(2))]);

  it("at an upstream gradient that comes as a graph input", () => {
    const builder = new GraphBuilder(OPS);
    const output = square(builder);
    const graph = builder.build("test", [output]);
    const seeds = [{ output, upstream: "upstream" }];
    const result = differentiate(graph, OPS, { seeds, wrt: graph.params });
    expect(result.graph.inputs.map(({ name }) => name)).toEqual(["x", "upstream"]);
    expect(backward(result)).toEqual(["W Mul_0/grad/Mul_2_0 = Mul(upstream, x) : float32[2]"]);
  });

  it("at several outputs, which are added where they meet", () => {
    const builder = new GraphBuilder(OPS);
    const product = square(builder);
    const outputs = [product, builder.emit("Exp", [product])];
    const graph = builder.build("test", outputs);
    const seeds = outputs.map((output, index) => ({ output, upstream: `upstream${index}` }));
    const { graph: whole, owner } = differentiate(graph, OPS, { seeds, wrt: graph.params });
    const sum = whole.nodes.find(({ op }) => op === "Add")!;
    expect(formatNode(sum)).toContain("Add(upstream0, ");
    expect(owner.get(sum.id)).toBe(graph.nodes[1]!.id);
  });

  it("once at each value", () => {
    const builder = new GraphBuilder(OPS);
    const output = square(builder);
    const graph = builder.build("test", [output]);
    const seeds = [{ output }, { output, upstream: "upstream" }];
    expect(() => differentiate(graph, OPS, { seeds, wrt: graph.params })).toThrow("internal: gradients start twice at");
  });
});

describe("gradients stop", () => {
  it("at ops whose output does not depend differentiably on the input", () => {
    const result = differentiated(
      (b) => {
        const [x, w] = [b.input("x", f32(3)), b.param("w", f32(3))];
        return b.emit("ReduceSum", [b.emit("Mul", [b.emit("Sign", [w]), x])]);
      },
      ["w"],
    );
    expect(result.parameterGrads).toEqual([]);
    expect(backward(result)).toEqual([]);
  });

  it("at values that do not depend on what is trained", () => {
    const result = differentiated(
      (b) => {
        const x = b.emit("Exp", [b.input("x", f32(3))]);
        return b.emit("ReduceSum", [b.emit("Mul", [x, b.param("w", f32(3))])]);
      },
      ["w"],
    );
    expect(backward(result).join("\n")).not.toContain("Exp_0/grad");
  });

  it("without a gradient for a parameter that the loss does not reach", () => {
    const result = differentiated(
      (b) => {
        b.param("unused", f32(3));
        return b.emit("ReduceSum", [b.emit("Mul", [b.input("x", f32(3)), b.param("w", f32(3))])]);
      },
      ["unused", "w"],
    );
    expect(result.parameterGrads.map(({ of }) => of.name)).toEqual(["w"]);
  });
});

it("refuses nodes without a gradient, all of them at once, and only on the way", () => {
  const ops = {
    ...OPS,
    Sin: { ...OPS.Sin, grad: { missing: "no rule for sines" } },
    Cos: { ...OPS.Cos, grad: { missing: "no rule for cosines" } },
  } as OpTable;
  const model = (b: GraphBuilder): Value => {
    const [x, w] = [b.input("x", f32(2)), b.param("w", f32(2))];
    const beside = b.node("Sin", [x], {}, { name: "beside", outputs: [""] }).outputs[0]!;
    const first = b.node("Sin", [w], {}, { name: "first", outputs: [""] }).outputs[0]!;
    const second = b.node("Cos", [first], {}, { name: "second", outputs: [""] }).outputs[0]!;
    return b.emit("ReduceSum", [b.emit("Add", [b.emit("Sin", [second]), b.emit("Mul", [second, beside])])]);
  };
  let message = "";
  try {
    differentiated(model, ["w"], ops);
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toMatchInlineSnapshot(`
    "model: 3 nodes between the loss and what is trained cannot be differentiated:
      Sin_3 (Sin): no rule for sines
      second (Cos): no rule for cosines
      first (Sin): no rule for sines
      Train only parameters that come after, with --trainable, or replace these nodes."
  `);
});
