/** @file A model with dropout in training mode: the masks do not depend on the number of devices. */
import { expect, test } from "vitest";
import { localCluster } from "../../compiler/cluster.js";
import { compile } from "../../compiler/compile.js";
import type { Recompute } from "../../compiler/planning/candidate.js";
import { GraphBuilder } from "../../compiler/ir/builder.js";
import type { Graph, Value } from "../../compiler/ir/graph.js";
import { literalOf } from "../../compiler/ir/literal.js";
import { exportGraph } from "../../compiler/onnx/export.js";
import { OPS } from "../../compiler/ops/registry.js";
import type { StoredTensor } from "../../compiler/plan/safetensors.js";
import { RANDOM_WORDS, RandomStream } from "../../compiler/random.js";
import { openDataset } from "../../runtime/dataset/open.js";
import { nodeEnv } from "../../runtime/env/node.js";
import { writePlan } from "../../runtime/plan/directory.js";
import { train } from "../../runtime/train.js";

const LAYERS = 3;
const WIDTH = 8;
const MICROBATCHES = 3;

/** Layers of MatMul, Relu and Dropout with ratio 0.3, and their weights. */
function model(): { readonly graph: Graph; readonly weights: ReadonlyMap<string, StoredTensor> } {
  const builder = new GraphBuilder(OPS);
  const stream = new RandomStream(3, "weights");
  const weights = new Map<string, StoredTensor>();
  let x: Value = builder.input("x", { dtype: "float32", shape: [4, WIDTH] });
  for (let layer = 0; layer < LAYERS; layer++) {
    const weight = builder.param(`weight${layer}`, { dtype: "float32", shape: [WIDTH, WIDTH] });
    const numbers = Float32Array.from({ length: WIDTH * WIDTH }, () => stream.normal() / 2);
    weights.set(weight.name, { ...weight.type, bytes: new Uint8Array(numbers.buffer) });
    const active = builder.emit("Relu", [builder.emit("MatMul", [x, weight])]);
    const training = builder.literal(literalOf("bool", [], [1]));
    x = builder.emit("Dropout", [active, builder.scalar(0.3, "float32"), training]);
  }
  return { graph: builder.build("dropout", [x]), weights };
}

/** Losses of four steps on this many devices. */
async function losses(devices: number, recompute: Recompute = "none"): Promise<readonly number[]> {
  const env = await nodeEnv();
  const { graph, weights } = model();
  const compiled = await compile(
    { name: "dropout", digest: "", graph, bind: {} },
    {
      cluster: localCluster(devices),
      pipeline: { schedule: "1f1b", microbatches: MICROBATCHES, recompute },
      training: { loss: [{ kind: "mse", target: "t", weight: 1 }] },
      optimizer: { kind: "sgd", learningRate: 0.1, momentum: 0, weightDecay: 0 },
      partition: { model: "direct", solver: undefined },
      profile: "analytic",
    },
  );
  const directory = await env.files.temporaryDirectory();
  try {
    const plan = await writePlan(env, `${directory}/plan`, { ...compiled, weights, model: exportGraph(graph) });
    expect(plan.inputs.map(({ name }) => name)).toContain(RANDOM_WORDS);
    const options = { files: env.files, seed: 1, shuffle: false, microbatches: MICROBATCHES };
    const dataset = await openDataset("synthetic", plan.inputs, options);
    const found: number[] = [];
    for await (const { loss } of train(env, `${directory}/plan`, plan, { dataset, steps: 4, mode: "inline" }))
      found.push(loss);
    return found;
  } finally {
    await env.files.remove(directory);
  }
}

test("one device, two and three draw the same masks", async () => {
  const one = await losses(1);
  expect(one).toHaveLength(4);
  expect(await losses(2)).toEqual(one);
  expect(await losses(3)).toEqual(one);
});

test("losses are the same when masks are drawn again in the backward pass", async () => {
  expect(await losses(2, "all")).toEqual(await losses(1));
});
