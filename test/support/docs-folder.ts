/** @file What a reader of the documentation has in the folder before the first command: a model, samples, times. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Value } from "../../compiler/ir/graph.js";
import { modelFile } from "../../models/file.js";
import { ModelBuilder } from "../../models/model.js";
import { npz } from "./npz.js";
import { symbolicBatch } from "./symbolic-batch.js";

const INPUTS = 8;
const CLASSES = 4;
const SAMPLES = 256;

/** A perceptron with named nodes: x float32 [batch, 8] → logits float32 [batch, 4]. */
export function docsModel(): Uint8Array {
  const model = new ModelBuilder(0);
  const gemm = (name: string, x: Value, width: number): Value => {
    const weight = model.param(`${name}.weight`, [x.type.shape[1]!, width], { deviation: 0.3 });
    const bias = model.param(`${name}.bias`, [width], { constant: 0 });
    const outputs = [name === "head.out" ? "logits" : name];
    return model.graph.node("Gemm", [x, weight, bias], {}, { name, outputs }).outputs[0]!;
  };
  let x = model.graph.input("x", { dtype: "float32", shape: [4, INPUTS] });
  for (const name of ["encoder.first", "encoder.second", "head.in"])
    x = model.graph.node("Relu", [gemm(name, x, 32)], {}, { name: `${name}.relu`, outputs: [`${name}.relu`] })
      .outputs[0]!;
  return symbolicBatch(modelFile(model.build("perceptron", [gemm("head.out", x, CLASSES)])), "batch");
}

/** Writes model.onnx, train.npz, times.json and job.yaml. The label of a sample is where it is largest, modulo four. */
export function fillDocsFolder(folder: string): void {
  const values = Float32Array.from({ length: SAMPLES * INPUTS }, (_, at) => Math.sin(at * at * 0.37 + at));
  const labels = BigInt64Array.from({ length: SAMPLES }, (_, row) => {
    const sample = values.subarray(row * INPUTS, (row + 1) * INPUTS);
    return BigInt(sample.indexOf(Math.max(...sample)) % CLASSES);
  });
  const x = { descr: "<f4", shape: [SAMPLES, INPUTS], bytes: new Uint8Array(values.buffer) };
  writeFileSync(join(folder, "model.onnx"), docsModel());
  writeFileSync(
    join(folder, "train.npz"),
    npz({ x, labels: { descr: "<i8", shape: [SAMPLES], bytes: new Uint8Array(labels.buffer) } }),
  );
  const times = { forwardMs: 10, inputGradMs: 11, weightGradMs: 9, latencyMs: 0.5 };
  writeFileSync(join(folder, "times.json"), JSON.stringify(times));
  writeFileSync(join(folder, "job.yaml"), "devices: 4\nmicrobatches: 8\nbind: { batch: 4 }\nloss: mse\n");
}
