/** @file Models with names that no exporter gives: they train as their twins with plain names do, bit for bit. */
import { describe, expect, it } from "vitest";
import { localCluster } from "../../compiler/cluster.js";
import { compile } from "../../compiler/compile.js";
import { literalOf } from "../../compiler/ir/literal.js";
import { decodeModel } from "../../compiler/onnx/codec.js";
import type { Tensors } from "../../compiler/plan/safetensors.js";
import { engineFor } from "../../runtime/engine/registry.js";
import { nodeEnv } from "../../runtime/env/node.js";
import { measureProfile } from "../../runtime/measure.js";
import { loadWeights, modelOf } from "../../runtime/model-file.js";
import { writePlan } from "../../runtime/plan/directory.js";
import { train } from "../../runtime/train.js";
import { withWeights } from "../../runtime/trained-model.js";
import { modelBytes } from "../support/proto-model.js";

/** Names of the input, the weights, the values, and the nodes. */
type Names = readonly [x: string, w: string, v: string, h: string, r: string, y: string, ...nodes: string[]];

const PLAIN: Names = ["x", "w", "v", "h", "r", "y", "n0", "n1", "n2"];

const numbers = (count: number) => Array.from({ length: count }, (_, at) => ((at * 7) % 11) / 10 - 0.5);
const weight = (rows: number, columns: number) => literalOf("float32", [rows, columns], numbers(rows * columns));
const bytesOf = (count: number) => new Uint8Array(Float32Array.from(numbers(count)).buffer);

function twoLayers([x, w, v, h, r, y, ...nodes]: Names): Uint8Array {
  const [first = "", second = "", third = ""] = nodes;
  return modelBytes({
    nodes: [
      { op: "MatMul", inputs: [x, w], outputs: [h], name: first },
      { op: "Relu", inputs: [h], outputs: [r], name: second },
      { op: "MatMul", inputs: [r, v], outputs: [y], name: third },
    ],
    inputs: Object.fromEntries([[x, "float32[2,4]"]]),
    outputs: [y],
    initializers: Object.fromEntries([
      [w, weight(4, 4)],
      [v, weight(4, 2)],
    ]),
  });
}

/** Losses of two steps on two devices, and the weights that the trained file then has. */
async function outcome(names: Names): Promise<readonly unknown[]> {
  const env = nodeEnv();
  const [x, w, v] = names;
  const model = modelOf(twoLayers(names), "odd");
  const weights = await loadWeights(env, model);
  const cluster = localCluster(2);
  const settings = {
    cluster,
    pipeline: { schedule: "1f1b", microbatches: 2 },
    training: { loss: [{ kind: "mse", target: "wanted", weight: 1 }] },
    optimizer: { kind: "sgd", learningRate: 0.1, momentum: 0, weightDecay: 0 },
    partition: { model: "direct", solver: undefined },
    profile: "analytic",
  } as const;
  const compiled = await compile(model, settings);
  const { differentiated } = compiled.subject.training;
  const engine = engineFor({ kind: "cpu" });
  const profile = await measureProfile(differentiated, engine, { repeat: 1, clock: env.clock }).finally(() =>
    engine.close(),
  );
  const directory = await env.files.temporaryDirectory();
  try {
    const plan = await writePlan(env, `${directory}/plan`, { ...compiled, weights, model: model.bytes });
    expect(plan.stages).toHaveLength(2);
    const feeds = new Map([
      [x, bytesOf(8)],
      ["wanted", bytesOf(4)],
    ]);
    const dataset = { samples: undefined, about: "numbers", feeds: () => Promise.resolve(feeds) };
    const losses: number[] = [];
    let last: Tensors = new Map();
    const onTrained = (all: Tensors): void => void (last = all);
    for await (const { loss } of train(env, `${directory}/plan`, plan, {
      dataset,
      steps: 2,
      mode: "inline",
      onTrained,
    }))
      losses.push(loss);
    const written = decodeModel(withWeights(model.bytes, last)).graph!.initializer!;
    const trained = [w, v].map((name) => written.find((tensor) => tensor.name === name)!.raw_data);
    return [losses, trained, [...profile.nodes].length];
  } finally {
    await env.files.remove(directory);
  }
}

describe("a model whose names", () => {
  it.each<readonly [string, Names]>([
    ["hold NULs, and differ behind them only", ["a", "a\0b", "a\0c", "a\0", "\0", "\0\0", "n\0a", "n\0b", "n"]],
    ["are as NULs are written", ["a\0", "a\\u0000", "a\\u005cu0000", "h", "h\0", "h\\u0000", "\0", "\\u0000", "n"]],
    ["are no text in JSON", ["x", "w\n", 'v"', "h\t", "r", "y", '"},{"name":"', "\u001b[2J", "a\\"]],
    [
      "are those of gradients",
      ["x", "w", "w/grad", "w/grad.sum", "h/grad", "w/grad.sum.next", "n", "n/again", "Add_1"],
    ],
    ["are those of results", ["loss/result", "loss", "loss/result.1", "y/result", "y/grad", "y", "loss", "Add_0", "y"]],
    ["are those of literals and nodes", ["literal_0", "literal_1", "Relu_0", "Relu_0_0", "r", "n.1", "n", "n", "n.1"]],
    ["differ by case or by form alone", ["N", "n", "ñ", "n\u0303", "Ñ", "N\u0303", "A", "a", "À"]],
    [
      "every object has",
      ["__proto__", "constructor", "toString", "valueOf", "r", "hasOwnProperty", "__proto__", "", ""],
    ],
    ["are left out where they may be, and 60,000 long", ["x", "w", "v", "h", "r", "y".repeat(60_000), "", "", ""]],
  ])("%s trains as its plain twin", async (_, names) => {
    expect(await outcome(names)).toEqual(await outcome(PLAIN));
  });
});
