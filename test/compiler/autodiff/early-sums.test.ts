/** @file Sums that I makes for W: which they are, and that no other label changes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Differentiated, NodePhase } from "../../../compiler/autodiff/differentiated.js";
import { withEarlySums } from "../../../compiler/autodiff/early-sums.js";
import { GraphBuilder } from "../../../compiler/ir/builder.js";
import type { Node, NodeId, Shape, Value } from "../../../compiler/ir/graph.js";
import { producers } from "../../../compiler/ir/walk.js";
import { parseLoss } from "../../../compiler/loss/spec.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { trainingGraph } from "../../../compiler/training.js";
import { buildGpt, GPT_LOSS } from "../../../models/gpt.js";

const float = (...shape: number[]) => ({ dtype: "float32", shape: shape as Shape }) as const;

/** Labels after the sums, of a graph whose nodes named "I…" are I and all others W, by the names of what nodes make. */
function labels(build: (b: GraphBuilder, make: (op: Value, name: string) => Value) => void): Record<string, NodePhase> {
  const b = new GraphBuilder(OPS);
  const names = new Map<NodeId, string>();
  build(b, (value, name) => {
    names.set(b.maker(value)!.id, name);
    return value;
  });
  const phase = new Map(b.nodes.map(({ id }) => [id, names.get(id)!.startsWith("I") ? "I" : "W"] as const));
  const early = withEarlySums(b.nodes, phase, OPS);
  return Object.fromEntries(b.nodes.map(({ id }) => [names.get(id)!, early.get(id)!]));
}

/** A tensor of I that I reads on its way. */
function passed(b: GraphBuilder, make: (value: Value, name: string) => Value, x: Value): Value {
  const dy = make(b.emit("Tanh", [x]), "I dy");
  make(b.emit("Tanh", [dy]), "I dx");
  return dy;
}

describe("withEarlySums", () => {
  it("takes a bias's gradient, and leaves what comes of it", () => {
    const found = labels((b, make) => {
      const dy = passed(b, make, b.input("x", float(4, 8, 5)));
      const rows = make(b.emit("Reshape", [dy, b.int64s([32, 5])], { allowzero: 0 }), "rows");
      const sum = make(b.emit("ReduceSum", [rows, b.int64s([0])], { keepdims: 0 }), "sum");
      make(b.emit("Reshape", [sum, b.int64s([1, 5])], { allowzero: 0 }), "shown");
    });
    expect(found).toEqual({ "I dy": "I", "I dx": "I", rows: "I", sum: "I", shown: "W" });
  });

  it("takes a product before the sum that nothing else reads", () => {
    const found = labels((b, make) => {
      const x = b.input("x", float(32, 5));
      const dy = passed(b, make, x);
      const product = make(b.emit("Mul", [dy, x]), "product");
      make(b.emit("ReduceSum", [product, b.int64s([0])], { keepdims: 0 }), "sum");
    });
    expect(found).toEqual({ "I dy": "I", "I dx": "I", product: "I", sum: "I" });
  });

  it("leaves a sum of what other weight gradients read too, but for views", () => {
    const found = labels((b, make) => {
      const x = b.input("x", float(32, 5));
      const dy = passed(b, make, x);
      const product = make(b.emit("Mul", [dy, x]), "product");
      make(b.emit("ReduceSum", [product, b.int64s([0])], { keepdims: 0 }), "sum");
      make(b.emit("MatMul", [b.param("w", float(7, 32)), product]), "gradient");
      const view = make(b.emit("Reshape", [dy, b.int64s([16, 10])], { allowzero: 0 }), "view");
      make(b.emit("ReduceSum", [view, b.int64s([0])], { keepdims: 0 }), "sum of the view");
      make(b.emit("MatMul", [b.param("v", float(7, 16)), view]), "gradient of the view");
    });
    expect(found).toEqual({
      "I dy": "I",
      "I dx": "I",
      product: "W",
      sum: "W",
      gradient: "W",
      view: "I",
      "sum of the view": "I",
      "gradient of the view": "W",
    });
  });

  it("leaves products, copies, and sums of few terms", () => {
    const found = labels((b, make) => {
      const dy = passed(b, make, b.input("x", float(2, 15)));
      make(b.emit("ReduceSum", [dy, b.int64s([1])], { keepdims: 0 }), "few terms");
      const long = make(b.emit("Tanh", [b.input("z", float(512, 4))]), "I long");
      make(b.emit("Tanh", [long]), "I longer");
      make(b.emit("MatMul", [b.param("w", float(4, 512)), long]), "product");
      make(b.emit("Gather", [long, b.int64s([3])], { axis: 0 }), "copy");
    });
    expect(found).toEqual({
      "I dy": "I",
      "I dx": "I",
      "few terms": "W",
      "I long": "I",
      "I longer": "I",
      product: "W",
      copy: "W",
    });
  });

  it("leaves sums over what I does not read on its way, and sums of sums", () => {
    const found = labels((b, make) => {
      const x = b.input("x", float(64, 64));
      make(b.emit("ReduceSum", [x, b.int64s([0])], { keepdims: 0 }), "of an input");
      const last = make(b.emit("Tanh", [x]), "I last");
      make(b.emit("ReduceSum", [last, b.int64s([0])], { keepdims: 0 }), "of the last");
      const dy = passed(b, make, x);
      const sum = make(b.emit("ReduceSum", [dy, b.int64s([0])], { keepdims: 0 }), "sum");
      make(b.emit("ReduceSum", [sum, b.int64s([0])], { keepdims: 0 }), "of a sum");
    });
    expect(found).toEqual({
      "of an input": "W",
      "I last": "I",
      "of the last": "W",
      "I dy": "I",
      "I dx": "I",
      sum: "I",
      "of a sum": "W",
    });
  });
});

/** A GPT with 32 tokens in a microbatch. */
const GPT = buildGpt({ layers: 1, width: 8, heads: 2, sequence: 8, batch: 4, vocabulary: 7 });

it("makes gradients of biases and scales of a GPT in I, those of matrices in W", () => {
  const { graph, phase, parameterGrads } = trainingGraph(GPT.graph, OPS, { loss: [parseLoss(GPT_LOSS)] })
    .differentiated as Differentiated;
  const maker = producers(graph);
  const sumBehind = ({ id }: Value): Node => {
    const node = maker.get(id)!;
    return OPS[node.op].isView ? sumBehind(node.inputs[0]!) : node;
  };
  const vectors = parameterGrads.filter(({ of }) => of.type.shape.length === 1);
  const matrices = parameterGrads.filter(({ of }) => of.name.endsWith("weight") && of.type.shape.length === 2);
  expect(vectors.length).toBeGreaterThan(8);
  expect(matrices.length).toBeGreaterThan(3);
  for (const { of, grad } of vectors) expect([of.name, phase.get(sumBehind(grad).id)]).toEqual([of.name, "I"]);
  for (const { of, grad } of matrices) expect([of.name, phase.get(sumBehind(grad).id)]).toEqual([of.name, "W"]);
});

/** Steps of a random graph over tensors of 32 numbers: what each makes, of which earlier ones, and its label. */
const steps = fc.array(
  fc.record({
    op: fc.constantFrom("Tanh", "Mul", "Reshape", "ReduceSum", "MatMul"),
    first: fc.nat(99),
    second: fc.nat(99),
    phase: fc.constantFrom<NodePhase>("I", "W"),
  }),
  { minLength: 4, maxLength: 16 },
);

it("lets nothing of I read W, and changes only labels of W", () => {
  let changed = 0;
  fc.assert(
    fc.property(steps, (made) => {
      const b = new GraphBuilder(OPS);
      const wide: Value[] = [b.input("x", float(8, 4))];
      const before = new Map<NodeId, NodePhase>();
      for (const { op, first, second, phase } of made) {
        const [x, y] = [wide[first % wide.length]!, wide[second % wide.length]!];
        if (op === "Tanh") wide.push(b.emit(op, [x]));
        else if (op === "Mul") wide.push(b.emit(op, [x, y]));
        else if (op === "Reshape") wide.push(b.emit(op, [x, b.int64s([8, 4])], { allowzero: 0 }));
        else if (op === "ReduceSum") b.emit(op, [x, b.int64s([0, 1])], { keepdims: 0 });
        else wide.push(b.emit(op, [x, b.param(`w${before.size}`, float(4, 4))]));
        const node = b.nodes.at(-1)!;
        const readsW = node.inputs.some((value) => value && before.get(b.maker(value)?.id ?? -1) === "W");
        before.set(node.id, readsW ? "W" : phase);
      }
      const after = withEarlySums(b.nodes, before, OPS);
      for (const { id, inputs } of b.nodes) {
        if (before.get(id) === "I") expect(after.get(id)).toBe("I");
        if (after.get(id) !== before.get(id)) changed++;
        if (after.get(id) === "I")
          for (const value of inputs) expect(value && after.get(b.maker(value)?.id ?? -1)).not.toBe("W");
      }
    }),
    { seed: 5, numRuns: 400 },
  );
  expect(changed).toBeGreaterThan(50);
});

it("leaves gradients of a table with few words to W, which adds their numbers to the sum", () => {
  const b = new GraphBuilder(OPS);
  const ids = b.input("ids", { dtype: "int64", shape: [4, 16] });
  const rows = b.emit("Gather", [b.param("table", float(2, 8)), ids], { axis: 0 });
  const mixed = b.emit("MatMul", [rows, b.param("w", float(8, 8))]);
  const graph = b.build("few words", [b.emit("ReduceSum", [b.emit("Tanh", [mixed])], { keepdims: 0 })]);
  const { differentiated } = trainingGraph(graph, OPS, { loss: [] });
  const { graph: whole, phase } = differentiated;
  const table = differentiated.parameterGrads.find(({ of }) => of.name === "table")!;
  expect(phase.get(producers(whole).get(table.grad.id)!.id)).toBe("W");
});
