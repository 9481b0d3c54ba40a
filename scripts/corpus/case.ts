/** @file A case folder of the reference corpus: model, inputs, gradients and training curves made with PyTorch. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { LossSpec } from "../../compiler/loss/spec.js";
import type { StoredTensor, Tensors } from "../../compiler/plan/safetensors.js";
import { readSafetensors } from "../../compiler/plan/safetensors.js";
import type { OptimizerSpec } from "../../compiler/plan/plan.js";

/** How far torch in float32 was from torch in float64 for one tensor. */
export interface Tolerance {
  readonly max_abs: number;
  readonly rel_dev: number;
  /** The gradient is zero but for rounding. */
  readonly zero?: boolean;
}

interface LossTerm {
  readonly kind: string;
  readonly output?: string;
  readonly target?: string;
  readonly axis?: number;
  readonly ignore_index?: number;
  readonly weight?: number;
  readonly terms?: readonly LossTerm[];
}

interface Tolerances {
  readonly grad_scale: number;
  readonly loss: Tolerance;
  readonly outputs: Readonly<Record<string, Tolerance>>;
  readonly grads: Readonly<Record<string, Tolerance>>;
  readonly input_grads: Readonly<Record<string, Tolerance>>;
}

interface Curve {
  readonly optimizer: "sgd" | "adamw";
  readonly hyperparameters: Readonly<Record<string, number | readonly number[]>>;
  readonly microbatches: number;
  readonly losses: readonly number[];
  readonly float32_rel_dev: readonly number[];
}

interface TensorForm {
  readonly shape: readonly number[];
  readonly batch_axis: number | null;
}

/** `case.json` as far as it is used. */
interface CaseFile {
  readonly name: string;
  readonly inputs: Readonly<Record<string, TensorForm>>;
  readonly targets: Readonly<Record<string, TensorForm>>;
  readonly dynamic_axes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly loss: LossTerm;
  readonly trainable: readonly string[];
  readonly tolerance: Tolerances;
  readonly curves: readonly Curve[];
  readonly alternative?: { readonly tolerance: Tolerances } | null;
}

export interface CorpusCase {
  readonly name: string;
  readonly about: CaseFile;
  readonly model: Uint8Array;
  readonly reference: Tensors;
}

/** The case folders under `directory` at any depth, or `directory` itself if it is one; by path. */
export function findCases(directory: string): readonly string[] {
  if (existsSync(join(directory, "case.json"))) return [directory];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(directory, name))
    .sort()
    .flatMap(findCases);
}

export function readCase(directory: string): CorpusCase {
  const about = JSON.parse(readFileSync(join(directory, "case.json"), "utf8")) as CaseFile;
  return {
    name: about.name,
    about,
    model: readFileSync(join(directory, "model.onnx")),
    reference: readSafetensors(readFileSync(join(directory, "reference.safetensors"))),
  };
}

/** The loss in our form. */
export function lossOf({ loss }: CaseFile): readonly LossSpec[] {
  return (loss.terms ?? [loss]).map((term): LossSpec => {
    const { output, target = "target", axis, ignore_index: ignoreIndex, weight = 1 } = term;
    if (term.kind === "model_output") return { kind: "output", output: output!, weight };
    const kind = term.kind.replaceAll("_", "-") as "mse" | "softmax-cross-entropy" | "bce-with-logits";
    return {
      kind,
      target,
      weight,
      ...(output === undefined ? {} : { output }),
      ...(axis === undefined ? {} : { axis }),
      ...(ignoreIndex === undefined ? {} : { ignoreIndex }),
    };
  });
}

/** Sizes of the symbolic dimensions when the inputs are those of `prefix`. */
export function bindOf({ about, reference }: CorpusCase, prefix: string): Readonly<Record<string, number>> {
  const bind: Record<string, number> = {};
  for (const name of Object.keys(about.inputs)) {
    for (const [axis, dim] of Object.entries(about.dynamic_axes[name] ?? {})) {
      bind[dim] = tensorAt(reference, `${prefix}input.${name}`).shape[Number(axis)]!;
    }
  }
  return bind;
}

export function tensorAt(tensors: Tensors, name: string): StoredTensor {
  const found = tensors.get(name);
  if (!found) throw new Error(`the reference has no tensor ${name}`);
  return found;
}

/** The optimizer of a curve in our form. */
export function optimizerOf({ optimizer, hyperparameters }: Curve): OptimizerSpec {
  const number = (name: string): number => hyperparameters[name] as number;
  if (optimizer === "sgd") {
    return {
      kind: "sgd",
      learningRate: number("lr"),
      momentum: number("momentum"),
      weightDecay: number("weight_decay"),
    };
  }
  const [beta1, beta2] = hyperparameters["betas"] as [number, number];
  return {
    kind: "adamw",
    learningRate: number("lr"),
    beta1,
    beta2,
    epsilon: number("eps"),
    weightDecay: number("weight_decay"),
  };
}

/** Cuts a tensor into equal parts along an axis, each dense. */
export function cutAlong(tensor: StoredTensor, axis: number, parts: number): readonly Uint8Array[] {
  const outer = tensor.shape.slice(0, axis).reduce((product, size) => product * size, 1);
  const rowBytes = tensor.bytes.length / outer;
  const partBytes = rowBytes / parts;
  return Array.from({ length: parts }, (_, part) => {
    const cut = new Uint8Array(outer * partBytes);
    for (let row = 0; row < outer; row++) {
      const start = row * rowBytes + part * partBytes;
      cut.set(tensor.bytes.subarray(start, start + partBytes), row * partBytes);
    }
    return cut;
  });
}
