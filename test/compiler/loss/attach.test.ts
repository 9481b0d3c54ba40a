import { afterAll, expect, test } from "vitest";
import { differentiate } from "../../../compiler/autodiff/differentiate.js";
import { GraphBuilder } from "../../../compiler/ir/builder.js";
import type { Graph, TensorType } from "../../../compiler/ir/graph.js";
import { verify } from "../../../compiler/ir/verify.js";
import { attachLoss } from "../../../compiler/loss/attach.js";
import type { LossSpec } from "../../../compiler/loss/spec.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import type { Numbers } from "../../contract/op-samples/run.js";
import { runNumbers } from "../../contract/op-samples/run.js";

const engine = createOrtEngine();
afterAll(() => engine.close());

/** A graph whose outputs are copies of its inputs: "out.x" of "x". */
function identities(types: Readonly<Record<string, TensorType>>): Graph {
  const builder = new GraphBuilder(OPS);
  const outputs = Object.entries(types).map(([name, type]) => {
    const input = builder.input(name, type);
    return builder.node("Identity", [input], {}, { outputs: [`out.${name}`] }).outputs[0]!;
  });
  return builder.build("identities", outputs);
}

const float = (...shape: number[]): TensorType => ({ dtype: "float32", shape });

/** The loss and its gradients with respect to all inputs of the model, computed by the engine. */
function run(model: Graph, terms: readonly LossSpec[], feeds: Readonly<Record<string, readonly number[]>>): Numbers {
  const { graph, loss, targets } = attachLoss(model, OPS, terms);
  verify(graph, OPS, "attaching the loss");
  expect(loss.type).toEqual(float());
  expect(graph.outputs[0]).toBe(loss);
  expect(graph.inputs).toEqual(expect.arrayContaining([...model.inputs, ...targets]));
  const { graph: backward, inputGrads } = differentiate(graph, OPS, { seeds: [{ output: loss }], wrt: model.inputs });
  const numbers = runNumbers(
    engine,
    { ...backward, outputs: [loss, ...inputGrads.map(({ grad }) => grad)] },
    new Map(Object.entries(feeds)),
  );
  return new Map([
    ["loss", numbers.get(loss.name)!],
    ...inputGrads.map(({ of, grad }): [string, readonly number[]] => [of.name, numbers.get(grad.name)!]),
  ]);
}

function expectClose(found: readonly number[] | undefined, expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  for (const [at, number] of expected.entries()) expect(found![at]).toBeCloseTo(number, 5);
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

test("mse is the mean of squares", () => {
  const spec = { kind: "mse", output: "out.x", target: "t", weight: 1 } as const;
  const found = run(identities({ x: float(2, 2) }), [spec], { x: [1, 2, 3, 4], t: [1, 0, 3, 5] });
  expectClose(found.get("loss"), [5 / 4]);
  expectClose(found.get("x"), [0, 1, 0, -0.5]);
});

test("bce-with-logits is stable far out, and right at 0", () => {
  const spec = { kind: "bce-with-logits", output: "out.x", target: "t", weight: 1 } as const;
  const x = [0, 200, -200, 1.5];
  const t = [1, 1, 1, 0.25];
  const found = run(identities({ x: float(4) }), [spec], { x, t });
  const losses = [Math.LN2, 0, 200, Math.log1p(Math.exp(1.5)) - 1.5 * 0.25];
  expectClose(found.get("loss"), [losses.reduce((sum, loss) => sum + loss) / 4]);
  expectClose(
    found.get("x"),
    x.map((logit, at) => (sigmoid(logit) - t[at]!) / 4),
  );
});

/** Cross entropy by its definition: scores per position and class. */
function crossEntropy(scores: readonly (readonly number[])[], classes: readonly number[], ignored?: number) {
  const counted = classes.filter((own) => own !== ignored).length;
  let loss = 0;
  const grads = scores.map((row, position) => {
    const total = row.reduce((sum, score) => sum + Math.exp(score), 0);
    const own = classes[position]!;
    if (own === ignored) return row.map(() => 0);
    loss -= (row[own]! - Math.log(total)) / counted;
    return row.map((score, index) => (Math.exp(score) / total - (index === own ? 1 : 0)) / counted);
  });
  return { loss, grads };
}

const scores = [
  [0.5, -1, 2],
  [0, 0, 0],
  [3, 1, -2],
  [-1, 4, 0.25],
];

test("softmax-cross-entropy takes the last axis and averages over all positions", () => {
  const spec = { kind: "softmax-cross-entropy", output: "out.x", target: "t", weight: 1 } as const;
  const t = [2, 0, 1, 1];
  const found = run(identities({ x: float(2, 2, 3) }), [spec], { x: scores.flat(), t });
  const { loss, grads } = crossEntropy(scores, t);
  expectClose(found.get("loss"), [loss]);
  expectClose(found.get("x"), grads.flat());
});

test("softmax-cross-entropy leaves ignored positions out of sum and mean, on any axis", () => {
  const t = [-100, 0, 1, -100];
  const spec = {
    kind: "softmax-cross-entropy",
    output: "out.x",
    target: "t",
    axis: 0,
    ignoreIndex: -100,
    weight: 1,
  } as const;
  const transpose = (rows: readonly (readonly number[])[]): number[] =>
    [0, 1, 2].flatMap((c) => rows.map((row) => row[c]!));
  const found = run(identities({ x: float(3, 4) }), [spec], { x: transpose(scores), t });
  const { loss, grads } = crossEntropy(scores, t, -100);
  expectClose(found.get("loss"), [loss]);
  expectClose(found.get("x"), transpose(grads));
});

test("terms are added with their weights", () => {
  const terms: readonly LossSpec[] = [
    { kind: "mse", output: "out.x", target: "t", weight: 3 },
    { kind: "output", output: "out.y", weight: -0.5 },
  ];
  const found = run(identities({ x: float(2), y: float(1) }), terms, { x: [1, 2], y: [8], t: [0, 0] });
  expectClose(found.get("loss"), [3 * 2.5 - 4]);
  expectClose(found.get("x"), [3, 6]);
  expectClose(found.get("y"), [-0.5]);
});

test("an input of the model can be the target, with class numbers in int32", () => {
  const spec = { kind: "softmax-cross-entropy", output: "out.x", target: "t", weight: 1 } as const;
  const builder = new GraphBuilder(OPS);
  const x = builder.input("x", float(1, 3));
  const t = builder.input("t", { dtype: "int32", shape: [1] });
  const output = builder.node("Identity", [x], {}, { outputs: ["out.x"] }).outputs[0]!;
  const { graph, targets } = attachLoss(builder.build("m", [output]), OPS, [spec]);
  expect(targets).toEqual([t]);
  expect(graph.inputs).toEqual([x, t]);
});

test("a model with one scalar output needs no loss", () => {
  const model = identities({ x: float(), y: float(2) });
  const { loss, graph } = attachLoss(model, OPS, []);
  expect(loss.name).toBe("out.x");
  expect(graph.nodes).toEqual(model.nodes);
});

test.each([
  [
    "an unknown output",
    [{ kind: "output", output: "out.xx", weight: 1 }],
    /no output out\.xx; it has out\.x float32\[2,3\], out\.i int64\[2\]\. Did you mean out\.x\?/,
  ],
  [
    "a loss that is no scalar",
    [{ kind: "output", output: "out.x", weight: 1 }],
    /output out\.x: it is float32\[2,3\]; expected a scalar float/,
  ],
  [
    "integers as scores",
    [{ kind: "mse", output: "out.i", target: "t", weight: 1 }],
    /out\.i: it is int64\[2\]; expected floats/,
  ],
  [
    "an axis that is not there",
    [{ kind: "softmax-cross-entropy", target: "t", axis: 2, weight: 1 }],
    /no class axis 2/,
  ],
  [
    "a target of another shape",
    [
      { kind: "mse", target: "x2", weight: 1 },
      { kind: "softmax-cross-entropy", target: "x2", weight: 1 },
    ],
    /target x2: it does not fit softmax-cross-entropy; got float32\[2,3\], expected int64\[2\] or int32\[2\]/,
  ],
  [
    "a target with the name of a node's value",
    [{ kind: "mse", target: "out.i", weight: 1 }],
    /target out\.i: the model has another value/,
  ],
  ["no loss at all", [], /does not have exactly one scalar float output; it has out\.x/],
] as [string, LossSpec[], RegExp][])("refuses %s", (_name, terms, message) => {
  const model = identities({ x: float(2, 3), i: { dtype: "int64", shape: [2] } });
  expect(() => attachLoss(model, OPS, terms)).toThrow(message);
});
