/**
 * @file A decoder-only transformer as GPT-2 has it: learned positions, layer norm before each branch, GELU by tanh.
 * Source: Radford et al., "Language models are unsupervised multitask learners", 2019, §2.3.
 */
import type { Literal, Value } from "../compiler/ir/graph.js";
import type { BuiltModel } from "./model.js";
import { ModelBuilder } from "./model.js";

/** Sizes of a GPT. `heads` divides `width`. */
export interface GptOptions {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  /** Tokens per sample. */
  readonly sequence: number;
  /** Samples per microbatch. */
  readonly batch: number;
  readonly vocabulary: number;
  /** The last projection shares the weights of the token embedding, as in GPT-2. Left out: it has its own. */
  readonly tied?: boolean;
  readonly seed?: number;
}

/** The model that `pipewright demo` trains: 4 layers, more than 100 nodes, about 215,000 parameters. */
export const DEMO_GPT: GptOptions = { layers: 4, width: 64, heads: 4, sequence: 32, batch: 4, vocabulary: 64 };

/** The model of the training benchmark: 6.3 million parameters. */
export const BENCH_GPT: GptOptions = { layers: 4, width: 256, heads: 4, sequence: 128, batch: 4, vocabulary: 6144 };

/** The loss to train a GPT with, in the form of `--loss`. */
export const GPT_LOSS = "softmax-cross-entropy:logits=labels,axis=-1";

/** Standard deviation of a fresh weight. */
const DEVIATION = 0.02;

/**
 * Shapes: tokens int64 [batch, sequence] → logits float32 [batch, sequence, vocabulary].
 * Ensures: the weights depend on the seed and the sizes only.
 */
export function buildGpt(options: GptOptions): BuiltModel {
  const { layers, width, sequence, batch, vocabulary } = options;
  const model = new ModelBuilder(options.seed ?? 0);
  const graph = model.graph;
  const tokens = graph.input("tokens", { dtype: "int64", shape: [batch, sequence] });
  const table = model.param("embedding.tokens", [vocabulary, width], { deviation: DEVIATION });
  const places = model.param("embedding.positions", [sequence, width], { deviation: DEVIATION / 2 });
  const mask = graph.literal(causalMask(sequence), "mask");
  let x = graph.emit("Add", [graph.emit("Gather", [table, tokens], { axis: 0 }), places]);
  for (let layer = 0; layer < layers; layer++) {
    const name = `layer.${layer}`;
    x = graph.emit("Add", [x, attention(model, name, normalize(model, `${name}.attention`, x), mask, options)]);
    x = graph.emit("Add", [x, perceptron(model, name, normalize(model, `${name}.perceptron`, x), options)]);
  }
  x = normalize(model, "head", x);
  const projection = options.tied
    ? graph.emit("Transpose", [table], { perm: [1, 0] })
    : model.param("head.weight", [width, vocabulary], { deviation: DEVIATION });
  const head = graph.node("MatMul", [x, projection], {}, { name: "head", outputs: ["logits"] });
  return model.build("gpt", [head.outputs[0]!]);
}

/** softmax(q·kᵀ/√d + mask)·v for each head. Shapes: x [batch, sequence, width] → the same. */
function attention(model: ModelBuilder, name: string, x: Value, mask: Value, options: GptOptions): Value {
  const { width, heads, sequence, batch, layers } = options;
  const graph = model.graph;
  const depth = width / heads;
  const joined = model.linear(`${name}.attention.qkv`, x, 3 * width, DEVIATION);
  const [q, k, v] = graph
    .emitMany("Split", [joined, graph.int64s([width, width, width])], 3, { axis: -1 })
    .map((part) => graph.emit("Reshape", [part, graph.int64s([batch, sequence, heads, depth])]));
  const rows = graph.emit("Transpose", [q], { perm: [0, 2, 1, 3] });
  const columns = graph.emit("Transpose", [k], { perm: [0, 2, 3, 1] });
  const values = graph.emit("Transpose", [v], { perm: [0, 2, 1, 3] });
  const scaled = graph.emit("Mul", [
    graph.emit("MatMul", [rows, columns]),
    graph.scalar(1 / Math.sqrt(depth), "float32"),
  ]);
  const masked = graph.emit("Where", [mask, scaled, graph.scalar(-1e4, "float32")]);
  const mixed = graph.emit("MatMul", [graph.emit("Softmax", [masked], { axis: -1 }), values]);
  const merged = graph.emit("Reshape", [
    graph.emit("Transpose", [mixed], { perm: [0, 2, 1, 3] }),
    graph.int64s([batch, sequence, width]),
  ]);
  return model.linear(`${name}.attention.out`, merged, width, DEVIATION / Math.sqrt(2 * layers));
}

/** Two linear layers with a GELU between. Shapes: [batch, sequence, width] → the same. */
function perceptron(model: ModelBuilder, name: string, x: Value, { width, layers }: GptOptions): Value {
  const hidden = model.linear(`${name}.perceptron.in`, x, 4 * width, DEVIATION);
  const active = model.graph.emit("Gelu", [hidden], { approximate: "tanh" });
  return model.linear(`${name}.perceptron.out`, active, width, DEVIATION / Math.sqrt(2 * layers));
}

function normalize(model: ModelBuilder, name: string, x: Value): Value {
  const width = x.type.shape.at(-1)!;
  const scale = model.param(`${name}.norm.weight`, [width], { constant: 1 });
  const bias = model.param(`${name}.norm.bias`, [width], { constant: 0 });
  return model.graph.emit("LayerNormalization", [x, scale, bias], { axis: -1, epsilon: 1e-5 });
}

/** True where position `row` may look at position `column`. Shape: [sequence, sequence]. */
function causalMask(sequence: number): Literal {
  const elements = new Uint8Array(sequence * sequence);
  for (let row = 0; row < sequence; row++) elements.fill(1, row * sequence, row * sequence + row + 1);
  return { dtype: "bool", shape: [sequence, sequence], elements };
}
