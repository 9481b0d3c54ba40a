/** @file Checkpoints of a made-up run: small files whose content is known for every step. */
import type { Belonging } from "../../runtime/checkpoint/manifest.js";
import type { StateFile, TrainingState } from "../../runtime/checkpoint/state.js";
import { stateFiles } from "../../runtime/checkpoint/state.js";
import type { StoredTensor } from "../../compiler/plan/safetensors.js";

export const ROOT = "/run/checkpoints";

export const BELONGING: Belonging = {
  model: { name: "sample", digest: "0".repeat(64) },
  plan: "1".repeat(64),
  training: { loss: ["mse"], bind: {} },
  optimizer: { kind: "sgd", learningRate: 0.1, momentum: 0.9, weightDecay: 0 },
  microbatches: 2,
  inputs: [{ name: "x", dtype: "float32", shape: [2, 3] }],
  data: { source: "x.npy", seed: 0, shuffle: true, samples: 12 },
  fingerprint: {
    cpu: "x64",
    features: "avx2",
    libraries: "glibc",
    engines: "ort",
    devices: "cpu with 1 thread",
    optimisation: "off",
  },
};

function tensor(...values: readonly number[]): StoredTensor {
  return { dtype: "float32", shape: [values.length], bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

/** The state of the made-up run after `step` steps. */
export function stateAt(step: number): TrainingState {
  return {
    step,
    losses: Array.from({ length: step }, (_, at) => 1 / (at + 1)),
    parameters: new Map([
      ["a.weight", tensor(step, step + 0.5, -step, 3)],
      ["b.weight", tensor(step * 2)],
    ]),
    optimizerStates: [
      new Map([
        ["a.weight", tensor(0.1 * step, 1, 2, 3)],
        ["b.weight", tensor(step)],
      ]),
    ],
  };
}

export function filesAt(step: number): readonly StateFile[] {
  return stateFiles(stateAt(step));
}
