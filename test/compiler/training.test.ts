/** @file From a model to something that trains: which parameters, which results, and what is refused. */
import { describe, expect, it } from "vitest";
import { parseLoss } from "../../compiler/loss/spec.js";
import { GraphBuilder } from "../../compiler/ir/builder.js";
import { OPS } from "../../compiler/ops/registry.js";
import type { TrainingOptions } from "../../compiler/training.js";
import { trainingGraph } from "../../compiler/training.js";
import { f32 } from "../support/onnx-model.js";
import { TINY_MLP, TINY_RESNET } from "../support/tiny-models.js";

const mlp = (options: Partial<TrainingOptions> = {}) =>
  trainingGraph(TINY_MLP.built.graph, OPS, { loss: [parseLoss(TINY_MLP.loss)], ...options });
const names = (options?: Partial<TrainingOptions>) =>
  mlp(options).differentiated.parameterGrads.map(({ of }) => of.name);

describe("what trains", () => {
  it("is every parameter unless patterns say otherwise, in the order of the model", () => {
    const all = TINY_MLP.built.graph.params.map(({ name }) => name);
    expect(names()).toEqual(all);
    expect(names({ trainable: ["*"] })).toEqual(all);
    expect(names({ trainable: ["head.*", "layer.0.bias"] })).toEqual(["layer.0.bias", "head.weight", "head.bias"]);
    expect(names({ trainable: ["*.weight"] })).toEqual(all.filter((name) => name.endsWith(".weight")));
    expect(names({ trainable: ["l*1*t"] })).toEqual(["layer.1.weight"]);
  });

  it("is what is left when patterns take away, one after another", () => {
    const all = TINY_MLP.built.graph.params.map(({ name }) => name);
    expect(names({ trainable: ["!head.*"] })).toEqual(all.filter((name) => !name.startsWith("head.")));
    expect(names({ trainable: ["**", "!*.bias", "head.bias"] })).toEqual([
      ...all.filter((name) => name.endsWith(".weight")),
      "head.bias",
    ]);
    expect(names({ trainable: ["!@vectors"] })).toEqual(all.filter((name) => name.endsWith(".weight")));
    expect(names({ trainable: ["head.*", "!*.weight"] })).toEqual(["head.bias"]);
    expect(() => names({ trainable: ["*", "!haed.*"] })).toThrow("--trainable !haed.*: matches no parameter");
  });

  it("may leave out what never trains anyway", () => {
    const { built, loss } = TINY_RESNET;
    const trained = (trainable: readonly string[]) =>
      trainingGraph(built.graph, OPS, { loss: [parseLoss(loss)], trainable }).differentiated.parameterGrads;
    expect(trained(["*", "!*.mean"])).toHaveLength(trained(["*"]).length);
    expect(() => trained(["*.mean"])).toThrow("--trainable *.mean: matches no parameter");
  });

  it("never is what the forward pass replaces", () => {
    const { differentiated } = trainingGraph(TINY_RESNET.built.graph, OPS, { loss: [parseLoss(TINY_RESNET.loss)] });
    expect(differentiated.parameterGrads.filter(({ of }) => /mean|variance/.test(of.name))).toEqual([]);
  });

  it("is refused for a pattern that matches nothing, with the names there are", () => {
    expect(() => mlp({ trainable: ["haed.*"] })).toThrow(
      "--trainable haed.*: matches no parameter; the model has layer.0.weight, layer.0.bias, layer.1.weight, " +
        "layer.1.bias, layer.2.weight, layer.2.bias, head.weight, head.bias.",
    );
  });

  it("is refused when the loss depends on none of it", () => {
    const builder = new GraphBuilder(OPS);
    builder.param("unused", f32(2));
    const graph = builder.build("test", [builder.emit("ReduceSum", [builder.input("x", f32(2))], { keepdims: 0 })]);
    expect(() => trainingGraph(graph, OPS, { loss: [] })).toThrow(
      "loss: it depends on no trainable parameter; got 1 candidates. Check --loss and --trainable.",
    );
  });
});

it("hands out the loss, and on request the outputs and the gradients of float inputs", () => {
  expect(mlp().results.map(({ name }) => name)).toEqual(["loss"]);
  const { results, targets } = mlp({ withOutputs: true });
  expect(results.map(({ name }) => name)).toEqual(["loss", "logits", "x/grad"]);
  expect(targets.map(({ name }) => name)).toEqual(["labels"]);
});

it("refuses a model whose parameters are all float64", () => {
  const builder = new GraphBuilder(OPS);
  const type = { dtype: "float64", shape: [2] } as const;
  const y = builder.emit("Mul", [builder.input("x", type), builder.param("w", type)]);
  const graph = builder.build("double", [y]);
  expect(() => trainingGraph(graph, OPS, { loss: [{ kind: "mse", target: "target", weight: 1 }] })).toThrow(
    "model: its parameters are float64, and training is in float32; got 1 of float64, none of float32. Export the model in float32.",
  );
});
