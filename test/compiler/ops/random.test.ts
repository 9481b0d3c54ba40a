/** @file Random ops and dropout. */
import { expect, test } from "vitest";
import { differentiate } from "../../../compiler/autodiff/differentiate.js";
import { GraphBuilder } from "../../../compiler/ir/builder.js";
import { literalOf } from "../../../compiler/ir/literal.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { float, typesAt } from "../../support/op-at.js";

test("types follow the input unless dtype says otherwise", () => {
  expect(typesAt("RandomNormalLike", [float(2, 3)], { mean: 0, scale: 1 })).toEqual([float(2, 3)]);
  expect(typesAt("Bernoulli", [float(2)], { dtype: 9 })).toEqual([{ dtype: "bool", shape: [2] }]);
  expect(typesAt("Multinomial", [float(2, 3)], { dtype: 7, sample_size: 5 })).toEqual([
    { dtype: "int64", shape: [2, 5] },
  ]);
  expect(() => typesAt("Multinomial", [float(3)], { dtype: 7, sample_size: 5 })).toThrow(
    /has 1 axes; expected \[batch, classes\]/,
  );
});

/** Differentiates through a dropout with this ratio and training mode. */
function dropout(ratio: number, training: boolean): number {
  const builder = new GraphBuilder(OPS);
  const x = builder.input("x", float());
  const inputs = [x, builder.scalar(ratio, "float32"), builder.literal(literalOf("bool", [], [Number(training)]))];
  const { outputs } = builder.node("Dropout", inputs, {}, { outputs: ["y", "mask"] });
  const graph = builder.build("dropout", [outputs[0]!]);
  return differentiate(graph, OPS, { seeds: [{ output: outputs[0]! }], wrt: [x] }).inputGrads.length;
}

test("dropout that drops nothing is the identity", () => {
  expect(dropout(0.5, false)).toBe(1);
  expect(dropout(0, true)).toBe(1);
});

test("dropout in training mode is refused with the reason", () => {
  expect(() => dropout(0.5, true)).toThrow(/draws its mask inside the engine/);
});
