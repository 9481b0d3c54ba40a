/**
 * @file A residual convolutional network with batch normalization in training mode.
 * Source: He et al., "Deep residual learning for image recognition", 2016, §4.2 (the CIFAR form: option B shortcuts).
 */
import type { Value } from "../compiler/ir/graph.js";
import type { BuiltModel } from "./model.js";
import { ModelBuilder } from "./model.js";

/** Sizes of a residual network. Each further group halves the image and doubles the channels. */
export interface ResnetOptions {
  readonly batch: number;
  /** Height and width of the image; divisible by 2^(groups-1). */
  readonly image: number;
  readonly channels: number;
  readonly groups: number;
  /** Residual blocks per group. */
  readonly blocks: number;
  readonly classes: number;
  readonly seed?: number;
}

/** The loss to train it with, in the form of `--loss`. */
export const RESNET_LOSS = "softmax-cross-entropy:logits=labels";

/** Shapes: image float32 [batch, 3, image, image] → logits float32 [batch, classes]. */
export function buildResnet(options: ResnetOptions): BuiltModel {
  const { batch, image, channels, groups, blocks, classes } = options;
  const model = new ModelBuilder(options.seed ?? 0);
  const graph = model.graph;
  const input = graph.input("image", { dtype: "float32", shape: [batch, 3, image, image] });
  let x = graph.emit("Relu", [convolve(model, "stem", input, channels, 3, 1)]);
  for (let group = 0; group < groups; group++) {
    for (let block = 0; block < blocks; block++) {
      const stride = group > 0 && block === 0 ? 2 : 1;
      x = residual(model, `group.${group}.${block}`, x, channels * 2 ** group, stride);
    }
  }
  const pooled = graph.emit("Flatten", [graph.emit("GlobalAveragePool", [x])], { axis: 1 });
  const width = pooled.type.shape[1]!;
  const weight = model.param("head.weight", [width, classes], { deviation: Math.sqrt(1 / width) });
  const bias = model.param("head.bias", [classes], { constant: 0 });
  const head = graph.node("Gemm", [pooled, weight, bias], {}, { name: "head", outputs: ["logits"] });
  return model.build("resnet", [head.outputs[0]!]);
}

/** relu(x + conv(relu(conv(x)))), with a 1×1 convolution on the shortcut where the shape changes. */
function residual(model: ModelBuilder, name: string, x: Value, channels: number, stride: number): Value {
  const graph = model.graph;
  const inner = graph.emit("Relu", [convolve(model, `${name}.first`, x, channels, 3, stride)]);
  const branch = convolve(model, `${name}.second`, inner, channels, 3, 1);
  const same = stride === 1 && x.type.shape[1] === channels;
  const shortcut = same ? x : convolve(model, `${name}.shortcut`, x, channels, 1, stride);
  return graph.emit("Relu", [graph.emit("Add", [branch, shortcut])]);
}

/** A convolution without bias, then batch normalization, whose running statistics are states of the graph. */
function convolve(model: ModelBuilder, name: string, x: Value, channels: number, kernel: number, stride: number) {
  const graph = model.graph;
  const inputs = x.type.shape[1]!;
  const deviation = Math.sqrt(2 / (channels * kernel * kernel));
  const weight = model.param(`${name}.conv.weight`, [channels, inputs, kernel, kernel], { deviation });
  const pad = (kernel - 1) / 2;
  const y = graph.emit("Conv", [x, weight], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
  });
  const scale = model.param(`${name}.norm.weight`, [channels], { constant: 1 });
  const bias = model.param(`${name}.norm.bias`, [channels], { constant: 0 });
  const mean = model.param(`${name}.norm.mean`, [channels], { constant: 0 });
  const variance = model.param(`${name}.norm.variance`, [channels], { constant: 1 });
  const [normalized, nextMean, nextVariance] = graph.emitMany(
    "BatchNormalization",
    [y, scale, bias, mean, variance],
    3,
    { epsilon: 1e-5, momentum: 0.9, training_mode: 1 },
  );
  graph.state(mean, nextMean!);
  graph.state(variance, nextVariance!);
  return normalized!;
}
