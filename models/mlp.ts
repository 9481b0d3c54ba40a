/** @file A plain perceptron: linear layers with ReLU between. */
import type { BuiltModel } from "./model.js";
import { ModelBuilder } from "./model.js";

/** Sizes of a perceptron. `widths` are the hidden layers. */
export interface MlpOptions {
  readonly batch: number;
  readonly inputs: number;
  readonly widths: readonly number[];
  readonly classes: number;
  readonly seed?: number;
}

/** The loss to train it with, in the form of `--loss`. */
export const MLP_LOSS = "softmax-cross-entropy:logits=labels";

/**
 * Shapes: x float32 [batch, inputs] → logits float32 [batch, classes].
 * Source of the starting weights: He et al., "Delving deep into rectifiers", 2015.
 */
export function buildMlp({ batch, inputs, widths, classes, seed = 0 }: MlpOptions): BuiltModel {
  const model = new ModelBuilder(seed);
  const graph = model.graph;
  let x = graph.input("x", { dtype: "float32", shape: [batch, inputs] });
  for (const [layer, width] of widths.entries()) {
    const hidden = model.linear(`layer.${layer}`, x, width, Math.sqrt(2 / x.type.shape[1]!));
    x = graph.emit("Relu", [hidden]);
  }
  const width = x.type.shape[1]!;
  const weight = model.param("head.weight", [width, classes], { deviation: Math.sqrt(1 / width) });
  const bias = model.param("head.bias", [classes], { constant: 0 });
  const head = graph.node("Gemm", [x, weight, bias], {}, { name: "head", outputs: ["logits"] });
  return model.build("mlp", [head.outputs[0]!]);
}
