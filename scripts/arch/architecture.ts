/** @file One architecture of the corpus: what pipewright makes of it, beside what is published. */
import { readFileSync } from "node:fs";
import { localCluster } from "../../compiler/cluster.js";
import { compile } from "../../compiler/compile.js";
import type { Graph, Node } from "../../compiler/ir/graph.js";
import { elementCount } from "../../compiler/ir/literal.js";
import type { ImportedModel } from "../../compiler/onnx/import.js";
import { importModel } from "../../compiler/onnx/import.js";
import { OPS } from "../../compiler/ops/registry.js";
import { workOf } from "../../compiler/ir/node-work.js";

/** What is allowed. */
const MOST_SECONDS = 5;
const MOST_BYTES = 500e6;
const MOST_WORK_ERROR = 0.01;
const STAGES = 4;
/** The published counts are of these. */
const COUNTED: readonly Node["op"][] = ["Conv", "MatMul", "Gemm"];

/** `NAME.json` as far as it is used. */
interface Published {
  readonly name: string;
  readonly dynamic_axes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly published: { readonly parameters: number };
  readonly flops: { readonly forward_batch_1: number };
}

/** One row of the table. */
export interface Architecture {
  readonly name: string;
  readonly nodes: number;
  readonly parameters: number;
  readonly publishedParameters: number;
  /** Two per multiply-add of convolutions and matrix products, at batch 1. */
  readonly forwardFlops: number;
  readonly referenceFlops: number;
  /** Processor time of reading and importing, which other work on the machine does not change, and the largest resident memory of the process until then. */
  readonly importSeconds: number;
  readonly importPeakBytes: number;
  /** Parameter tensors that have a gradient, and all of them. */
  readonly gradients: number;
  readonly tensors: number;
  /** Of the slowest of four stages, analytic, per microbatch of one sample. */
  readonly bottleneckMs: number;
}

/** Measures the files `path`.onnx and `path`.json. Requires: a fresh process, for its memory to mean anything. */
export async function measureArchitecture(path: string, now: () => number, peak: () => number): Promise<Architecture> {
  const about = JSON.parse(readFileSync(`${path}.json`, "utf8")) as Published;
  const start = now();
  const model = importModel(readFileSync(`${path}.onnx`), { bind: bindOf(about) });
  const importSeconds = (now() - start) / 1000;
  const importPeakBytes = peak();
  const { graph } = model;
  const learned = parametersOf(model);
  const counted = graph.nodes.filter(({ op }) => COUNTED.includes(op));
  const { plan } = await compile(
    { name: about.name, digest: "", graph, bind: bindOf(about) },
    {
      cluster: localCluster(STAGES),
      pipeline: { schedule: "1f1b", microbatches: 2 * STAGES },
      training: { loss: [{ kind: "mse", output: Object.keys(about.outputs)[0]!, target: "target", weight: 1 }] },
      optimizer: { kind: "sgd", learningRate: 0, momentum: 0, weightDecay: 0 },
      partition: { model: "direct", solver: undefined },
      profile: "analytic",
    },
  );
  const trained = new Set(plan.parameters.filter(({ trainable }) => trainable).map(({ name }) => name));
  return {
    name: about.name,
    nodes: graph.nodes.length,
    parameters: learned.reduce((sum, { type }) => sum + elementCount(type.shape), 0),
    publishedParameters: about.published.parameters,
    forwardFlops: counted.reduce((sum, node) => sum + workOf(node, OPS).flops, 0),
    referenceFlops: about.flops.forward_batch_1,
    importSeconds,
    importPeakBytes,
    gradients: learned.filter(({ name }) => trained.has(name)).length,
    tensors: learned.length,
    bottleneckMs: plan.partition.certificate.bottleneckMs,
  };
}

/** What an architecture misses, in sentences. */
export function problemsOf(found: Architecture): readonly string[] {
  const { parameters, publishedParameters, forwardFlops, referenceFlops, gradients, tensors } = found;
  const error = Math.abs(forwardFlops / referenceFlops - 1);
  return [
    ...(parameters === publishedParameters ? [] : [`${parameters} parameters, published are ${publishedParameters}`]),
    ...(error <= MOST_WORK_ERROR ? [] : [`work is off by ${(100 * error).toFixed(2)} %`]),
    ...(gradients === tensors ? [] : [`${tensors - gradients} parameters have no gradient`]),
    ...(found.importSeconds < MOST_SECONDS ? [] : [`the import took ${found.importSeconds.toFixed(2)} s`]),
    ...(found.importPeakBytes < MOST_BYTES ? [] : [`the import took ${Math.round(found.importPeakBytes / 1e6)} MB`]),
  ];
}

/**
 * The weights: these files write them as ConstantOfShape nodes, tables such as rotary frequencies as initializers, and
 * running statistics are states.
 */
function parametersOf({ graph, weights }: ImportedModel): Graph["params"] {
  const states = new Set(graph.states.map(({ param }) => param.id));
  return graph.params.filter(({ id }) => weights.get(id)?.kind === "fill" && !states.has(id));
}

/** Batch 1. */
function bindOf({ dynamic_axes: axes }: Published): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.values(axes).flatMap((own) => Object.values(own).map((dim) => [dim, 1])));
}
