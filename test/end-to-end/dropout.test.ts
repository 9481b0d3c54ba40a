/** @file A model with dropout in training mode: the masks depend on seed, step and microbatch alone. */
import { beforeAll, expect, it } from "vitest";
import { localCluster } from "../../compiler/cluster.js";
import { compile } from "../../compiler/compile.js";
import type { Recompute } from "../../compiler/planning/candidate.js";
import { GraphBuilder } from "../../compiler/ir/builder.js";
import type { Graph, Value } from "../../compiler/ir/graph.js";
import { literalOf } from "../../compiler/ir/literal.js";
import { exportGraph } from "../../compiler/onnx/export.js";
import { OPS } from "../../compiler/ops/registry.js";
import type { StoredTensor, Tensors } from "../../compiler/plan/safetensors.js";
import { RANDOM_WORDS, RandomStream } from "../../compiler/random.js";
import { openDataset } from "../../runtime/dataset/open.js";
import { nodeEnv } from "../../runtime/env/node.js";
import type { PipelineMode } from "../../runtime/pipeline.js";
import { writePlan } from "../../runtime/plan/directory.js";
import { train } from "../../runtime/train.js";

const LAYERS = 3;
const WIDTH = 8;
const MICROBATCHES = 3;
const STEPS = 4;

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

/** How the model is cut and run; one device in this thread unless told otherwise. */
interface Way {
  readonly devices?: number;
  readonly schedule?: string;
  readonly recompute?: Recompute;
  readonly mode?: PipelineMode;
  /** Stop after so many steps and resume. */
  readonly stopAfter?: number;
}

/** What four steps gave: losses, and the bytes of the weights. */
interface Outcome {
  readonly losses: readonly number[];
  readonly weights: readonly Uint8Array[];
}

async function outcome(way: Way = {}): Promise<Outcome> {
  const { devices = 1, schedule = "1f1b", recompute = "none", mode = "inline", stopAfter } = way;
  const env = nodeEnv();
  const { graph, weights } = model();
  const compiled = await compile(
    { name: "dropout", digest: "", graph, bind: {} },
    {
      cluster: localCluster(devices),
      pipeline: { schedule, microbatches: MICROBATCHES, recompute },
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
    let last: Outcome["weights"] = [];
    const onTrained = (trained: Tensors): void =>
      void (last = graph.params.map(({ name }) => trained.get(name)!.bytes));
    const checkpoints = { directory: `${directory}/kept`, every: 1, keep: 1, resume: "auto" };
    for (const steps of stopAfter === undefined ? [STEPS] : [stopAfter, STEPS])
      for await (const { loss } of train(env, `${directory}/plan`, plan, {
        dataset,
        steps,
        mode,
        checkpoints,
        onTrained,
      }))
        found.push(loss);
    return { losses: found, weights: last };
  } finally {
    await env.files.remove(directory);
  }
}

let alone: Outcome;
beforeAll(async () => {
  alone = await outcome();
  expect(alone.losses).toHaveLength(STEPS);
});

it.each<Way>([
  { devices: 2 },
  { devices: 3 },
  { devices: 3, schedule: "gpipe" },
  { devices: 2, schedule: "zb-h1" },
  { devices: 3, schedule: "zb-h2" },
  { devices: 2, schedule: "zb-h1", mode: "process" },
  { devices: 1, recompute: "all" },
  { devices: 2, recompute: "all" },
  { devices: 3, schedule: "zb-h1", recompute: "all" },
  { devices: 2, stopAfter: 2 },
])("%j draws the masks of one device", async (way) => {
  expect(await outcome(way)).toEqual(alone);
});
