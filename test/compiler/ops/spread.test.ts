/** @file The gradient of picked log-probabilities: the same numbers as through zeros, without the passes over them. */
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { differentiate } from "../../../compiler/autodiff/differentiate.js";
import { GraphBuilder } from "../../../compiler/ir/builder.js";
import type { Shape, Value } from "../../../compiler/ir/graph.js";
import { elementCount } from "../../../compiler/ir/literal.js";
import { formatNode } from "../../../compiler/ir/print.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { runNumbers } from "../../contract/op-samples/run.js";

const engine = createOrtEngine();
afterAll(() => engine.close());

/** Builds what is picked of log-probabilities, with class numbers in an input. */
type Picking = (b: GraphBuilder, logProbabilities: Value, classes: Value) => Value;

interface Case {
  readonly shape: Shape;
  readonly axis: number;
  /** Shape and elements of the class numbers. */
  readonly classes: { readonly shape: Shape; readonly numbers: readonly number[] };
  readonly pick: Picking;
  readonly dtype?: "float32" | "float64";
}

/** The backward pass. `isHidden`: behind a product with 1, past which no rule sees what its gradient is made of. */
function backward({ shape, axis, classes, pick, dtype = "float32" }: Case, isHidden = false) {
  const b = new GraphBuilder(OPS);
  const x = b.input("x", { dtype, shape });
  const indices = b.input("classes", { dtype: "int64", shape: classes.shape });
  const y = b.emit("LogSoftmax", [x], { axis });
  const output = pick(b, isHidden ? b.emit("Mul", [y, b.scalar(1, dtype)]) : y, indices);
  const seeds = [{ output, upstream: "dy" }];
  const { graph, inputGrads, phase } = differentiate(b.build("picked", [output]), OPS, { seeds, wrt: [x] });
  const numbersOf = (value: Value): number[] =>
    Array.from({ length: elementCount(value.type.shape) }, (_, at) => ((at * 7) % 11) / 4 - 1);
  const feeds = new Map([
    ["x", numbersOf(x)],
    ["classes", classes.numbers],
    ["dy", numbersOf(output)],
  ]);
  const { grad } = inputGrads[0]!;
  const gradient = () => runNumbers(engine, { ...graph, outputs: [grad] }, feeds).get(grad.name)!;
  return { gradient, nodes: graph.nodes.filter(({ id }) => phase.get(id) !== "F") };
}

const gather =
  (axis: number): Picking =>
  (b, y, classes) =>
    b.emit("GatherElements", [y, classes], { axis });
const alongLast = { shape: [2, 3], axis: -1, classes: { shape: [2, 1], numbers: [2, 0] }, pick: gather(-1) };

test("the gradient of picked log-probabilities makes no zeros", () => {
  expect(backward(alongLast).nodes.map(formatNode).join("\n").replaceAll("LogSoftmax_0/grad/", ""))
    .toMatchInlineSnapshot(`
      "GatherElements_1/grad/Identity_2_0 = Identity(classes) : int64[2,1]
      GatherElements_1/grad/Identity_3_0 = Identity(dy) : float32[2,1]
      Exp_6_0 = Exp(LogSoftmax_0_0) : float32[2,3]
      ScatterElements_7_0 = ScatterElements(Exp_6_0, GatherElements_1/grad/Identity_2_0, {-1, -1}) axis=-1 reduction="add" : float32[2,3]
      Neg_8_0 = Neg(GatherElements_1/grad/Identity_3_0) : float32[2,1]
      Mul_9_0 = Mul(ScatterElements_7_0, Neg_8_0) : float32[2,3]"
    `);
});

const operands = fc.record({
  shape: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 5 })),
  axis: fc.integer({ min: -3, max: 2 }),
  picks: fc.integer({ min: 1, max: 4 }),
  seeds: fc.array(fc.nat(99), { minLength: 60, maxLength: 60 }),
  dtype: fc.constantFrom("float32", "float64"),
});

/** Difference between 1 and the next number. */
const EPSILON = { float32: 2 ** -23, float64: 2 ** -52 };

test("one pick a line gives the bits that go through zeros, two roundings off where it is; several a few more", () => {
  fc.assert(
    fc.property(operands, ({ shape, axis, picks, seeds, dtype }) => {
      const along = axis < 0 ? axis + 3 : axis;
      const picked = shape.map((size, own) => (own === along ? picks : size));
      const numbers = seeds.slice(0, elementCount(picked)).map((seed) => (seed % (2 * shape[along]!)) - shape[along]!);
      const own: Case = { shape, axis, classes: { shape: picked, numbers }, pick: gather(axis), dtype };
      const [plain, expected] = [backward(own), backward(own, true)];
      expect(plain.nodes.map(({ op }) => op)).not.toContain("ConstantOfShape");
      expect(expected.nodes.map(({ op }) => op)).toContain("ConstantOfShape");
      const [found, through] = [plain.gradient(), expected.gradient()];
      const others = found.filter((number, at) => number + 0 !== through[at]! + 0);
      if (picks === 1) expect(others.length).toBeLessThanOrEqual(numbers.length);
      const bound = (picks === 1 ? 2 : 40) * EPSILON[dtype];
      for (const [at, number] of through.entries()) expect(Math.abs(found[at]! - number)).toBeLessThanOrEqual(bound);
    }),
    { seed: 3, numRuns: 40 },
  );
});

const smoothed: Picking = (b, y, classes) => {
  const [picked, mean] = [gather(-1)(b, y, classes), b.emit("ReduceMean", [y, b.int64s([-1])], { keepdims: 1 })];
  return b.emit("Add", [
    b.emit("Mul", [picked, b.scalar(0.9, "float32")]),
    b.emit("Mul", [mean, b.scalar(0.1, "float32")]),
  ]);
};

test.each<[string, Partial<Case>]>([
  ["another axis", { pick: gather(0), classes: { shape: [1, 3], numbers: [1, 0, 1] } }],
  ["some lines only", { classes: { shape: [1, 2], numbers: [1, 1] } }],
  ["another reader of the log-probabilities", { pick: smoothed }],
  ["two picks", { pick: (b, y, classes) => b.emit("Add", [gather(-1)(b, y, classes), gather(-1)(b, y, classes)]) }],
])("is right with %s", (_, change) => {
  const own = { ...alongLast, ...change };
  const [found, expected] = [backward(own).gradient(), backward(own, true).gradient()];
  for (const [at, number] of expected.entries()) expect(found[at]).toBeCloseTo(number, 6);
});
