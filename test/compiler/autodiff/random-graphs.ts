/** @file Random small graphs of smooth ops in float64, with a scalar loss that every value reaches. */
import fc from "fast-check";
import { GraphBuilder } from "../../../compiler/ir/builder.js";
import type { Graph, Value } from "../../../compiler/ir/graph.js";
import { OPS } from "../../../compiler/ops/registry.js";

/** What one step does to earlier values, picked by number. */
interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly first: number;
  readonly second: number;
  readonly axis: number;
}

const KINDS = [
  "Tanh",
  "Sin",
  "Mul",
  "Add",
  "Div",
  "MatMul",
  "ReduceMean",
  "ReduceSum",
  "Softmax",
  "Reshape",
  "Transpose",
] as const;
const [ROWS, COLUMNS] = [2, 3];

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...KINDS),
  first: fc.nat(99),
  second: fc.nat(99),
  axis: fc.integer({ min: 0, max: 1 }),
});

/** 5 to 12 steps from an input, two weights and a bias. All values are matrices of at most 3 × 3. */
export const randomGraphs: fc.Arbitrary<Graph> = fc.array(step, { minLength: 5, maxLength: 12 }).map((steps) => {
  const builder = new GraphBuilder(OPS);
  const float = (...shape: number[]) => ({ dtype: "float64", shape }) as const;
  const values: Value[] = [
    builder.input("x", float(ROWS, COLUMNS)),
    builder.param("w", float(COLUMNS, COLUMNS)),
    builder.param("v", float(COLUMNS, ROWS)),
    builder.param("b", float(1, COLUMNS)),
  ];
  const read = new Set<Value>();
  for (const { kind, first, second, axis } of steps) {
    const a = values[first % values.length]!;
    const partners = values.filter((value) => fits(kind, a, value));
    const b = partners[second % Math.max(1, partners.length)];
    const made = apply(builder, kind, a, b, axis);
    if (!made) continue;
    read.add(a);
    if (b && (kind === "Mul" || kind === "Add" || kind === "Div" || kind === "MatMul")) read.add(b);
    values.push(made);
  }
  const leaves = values.filter((value) => !read.has(value));
  const means = leaves.map((value) => builder.emit("ReduceMean", [value], { keepdims: 0 }));
  return builder.build("random", [means.reduce((sum, mean) => builder.emit("Add", [sum, mean]))]);
});

/** Whether `b` can be the second operand after `a`. */
function fits(kind: Step["kind"], a: Value, b: Value): boolean {
  const [rows, columns] = a.type.shape as [number, number];
  const [otherRows, otherColumns] = b.type.shape as [number, number];
  if (kind === "MatMul") return columns === otherRows && otherColumns <= COLUMNS;
  return (otherRows === rows || otherRows === 1) && (otherColumns === columns || otherColumns === 1);
}

function apply(builder: GraphBuilder, kind: Step["kind"], a: Value, b: Value | undefined, axis: number) {
  const [rows, columns] = a.type.shape as [number, number];
  switch (kind) {
    case "Tanh":
    case "Sin":
      return builder.emit(kind, [a]);
    case "Mul":
    case "Add":
    case "MatMul":
      return b && builder.emit(kind, [a, b]);
    case "Div": {
      // A denominator of at least 1.
      const square = b && builder.emit("Mul", [b, b]);
      return square && builder.emit("Div", [a, builder.emit("Add", [square, builder.scalar(1, "float64")])]);
    }
    case "ReduceMean":
    case "ReduceSum":
      return builder.emit(kind, [a, builder.int64s([axis])], { keepdims: 1 });
    case "Softmax":
      return builder.emit("Softmax", [a], { axis });
    case "Reshape":
      return builder.emit("Reshape", [a, builder.int64s([columns, rows])]);
    case "Transpose":
      return builder.emit("Transpose", [a], { perm: [1, 0] });
  }
}
