/** @file Sums of gradients: numbers go to their places, and a gradient that nothing else needs is never made. */
import { afterAll, describe, expect, it } from "vitest";
import { differentiate } from "../../../compiler/autodiff/differentiate.js";
import { withCopies } from "../../../compiler/autodiff/copies.js";
import { nodesBesideSums, sumGradients, withGradientSums } from "../../../compiler/plan/gradient-sums.js";
import { extend, GraphBuilder } from "../../../compiler/ir/builder.js";
import type { Graph, Value } from "../../../compiler/ir/graph.js";
import { formatNode } from "../../../compiler/ir/print.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { runNumbers } from "../../contract/op-samples/run.js";

const engine = createOrtEngine();
afterAll(() => engine.close());

/** Words 2, 0, 2 of a table of four rows; `after` says what becomes of the rows. */
function embedding(after: (b: GraphBuilder, rows: Value, table: Value) => Value) {
  const b = new GraphBuilder(OPS);
  const table = b.param("table", { dtype: "float32", shape: [4, 2] });
  const words = b.input("words", { dtype: "int64", shape: [3] });
  const loss = after(b, b.emit("Gather", [table, words], { axis: 0 }), table);
  const seeds = [{ output: loss }];
  return differentiate(b.build("embedding", [loss]), OPS, { seeds, wrt: [table] });
}

const summedUp = (b: GraphBuilder, value: Value): Value => b.emit("ReduceSum", [value], { keepdims: 0 });
const squares = (b: GraphBuilder, rows: Value): Value => summedUp(b, b.emit("Mul", [rows, rows]));
const FEEDS = new Map([
  ["table", [1, 2, 3, 4, 5, 6, 7, 8]],
  ["words", [2, 0, 2]],
  ["table/grad.sum", [100, 100, 100, 100, 100, 100, 100, 100]],
]);
function numbers(graph: Graph, value: Value): number[] {
  const inputs = [...graph.inputs, ...graph.params];
  return [...runNumbers(engine, { ...graph, inputs, params: [], outputs: [value] }, FEEDS).get(value.name)!];
}
const opsOf = ({ nodes }: Pick<Graph, "nodes">) => nodes.map(({ op }) => op);

describe("withGradientSums", () => {
  it("adds an embedding's gradient row by row", () => {
    const plain = embedding(squares);
    expect(opsOf(plain.graph)).toContain("ConstantOfShape");
    const { differentiated, sums } = withGradientSums(plain, OPS);
    expect(opsOf(differentiated.graph)).not.toContain("ConstantOfShape");
    const { next } = sums[0]!;
    const adding = differentiated.graph.nodes.find(({ outputs }) => outputs[0] === next)!;
    expect(formatNode(adding)).toMatch(/^table\/grad\.sum\.next = ScatterND\(table\/grad\.sum, .*reduction="?add"?/);
    expect(numbers(differentiated.graph, next)).toEqual([102, 104, 100, 100, 120, 124, 100, 100]);
    expect(differentiated.phase.get(adding.id)).toBe("W");
  });

  it("adds the gradient of a tied table once", () => {
    const tied = embedding((b, rows, table) => b.emit("Add", [squares(b, rows), summedUp(b, table)]));
    const { differentiated, sums } = withGradientSums(tied, OPS);
    expect(numbers(differentiated.graph, sums[0]!.next)).toEqual([103, 105, 101, 101, 121, 125, 101, 101]);
  });

  it("gives the numbers of the gradient that is made first", () => {
    const plain = embedding(squares);
    const gradient = numbers(plain.graph, plain.parameterGrads[0]!.grad);
    const { differentiated, sums } = withGradientSums(plain, OPS);
    expect(numbers(differentiated.graph, sums[0]!.next)).toEqual(gradient.map((number) => 100 + number));
  });
});

describe("nodesBesideSums", () => {
  it("keeps a gradient that something else reads", () => {
    const plain = embedding(squares);
    const builder = extend(OPS, plain.graph);
    const norm = summedUp(builder, plain.parameterGrads[0]!.grad);
    const graph = builder.build("read", [...plain.graph.outputs, norm]);
    const sums = sumGradients(builder, plain.parameterGrads);
    expect(opsOf({ nodes: nodesBesideSums({ ...plain, graph }, sums) })).toEqual(opsOf(graph));
  });

  it("keeps a gradient that an input has too", () => {
    const b = new GraphBuilder(OPS);
    const type = { dtype: "float32", shape: [4, 2] } as const;
    const [table, shift] = [b.param("table", type), b.input("shift", type)];
    const words = b.input("words", { dtype: "int64", shape: [3] });
    const rows = b.emit("Gather", [b.emit("Add", [table, shift]), words], { axis: 0 });
    const loss = squares(b, rows);
    const wanted = { seeds: [{ output: loss }], wrt: [table, shift] };
    const shifted = differentiate(b.build("shifted", [loss]), OPS, wanted);
    const { graph, parameterGrads, inputGrads } = shifted;
    expect(inputGrads[0]!.grad).toBe(parameterGrads[0]!.grad);
    const sums = sumGradients(extend(OPS, graph), parameterGrads);
    expect(opsOf({ nodes: nodesBesideSums(shifted, sums) })).toEqual(opsOf(graph));
  });

  it("makes no gradient of a further copy either", () => {
    const { differentiated } = withCopies(embedding(squares), 2);
    const builder = extend(OPS, differentiated.graph);
    const sums = sumGradients(builder, differentiated.parameterGrads);
    expect(sums.map(({ own, copies }) => [own.node.op, ...copies.map(({ node }) => node.op)])).toEqual([
      ["ScatterND", "ScatterND"],
    ]);
    const nodes = nodesBesideSums(differentiated, sums);
    const left = differentiated.graph.nodes.filter((node) => !nodes.includes(node));
    expect(opsOf({ nodes: left }).sort()).toEqual(["ConstantOfShape", "ConstantOfShape", "ScatterND", "ScatterND"]);
  });
});
