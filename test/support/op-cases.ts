/**
 * @file Reference cases of single operators, made with torch: reading them, and holding pipewright to them.
 * Format: fixtures/reference/ops/README.md.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { differentiate } from "../../compiler/autodiff/differentiate.js";
import { PipewrightError } from "../../compiler/errors.js";
import type { TensorType, Value } from "../../compiler/ir/graph.js";
import { verify } from "../../compiler/ir/verify.js";
import { isFloat } from "../../compiler/ir/literal.js";
import { decodeModel, encodeModel } from "../../compiler/onnx/codec.js";
import { dtypeCode } from "../../compiler/onnx/dtype.js";
import { exportProgram } from "../../compiler/onnx/export.js";
import { importModel } from "../../compiler/onnx/import.js";
import type { ImportedModel } from "../../compiler/onnx/import.js";
import { weightBytes } from "../../compiler/onnx/weights.js";
import { OPS } from "../../compiler/ops/registry.js";
import type { StoredTensor, Tensors } from "../../compiler/plan/safetensors.js";
import { readSafetensors } from "../../compiler/plan/safetensors.js";
import type { Engine } from "../../runtime/engine/engine.js";
import { runOnce } from "../../runtime/engine/run-once.js";
import { difference } from "./difference.js";

/** Relative differences, to the largest magnitude of the tensor, of torch in float32 from torch in float64. */
type Deviations = Readonly<Record<string, number>>;

interface CaseEntry {
  readonly name: string;
  readonly op: string;
  /** null: left out. */
  readonly inputs: readonly ({ readonly name: string; readonly differentiable: boolean } | null)[];
  readonly outputs: readonly ({ readonly name: string; readonly upstream: boolean } | null)[];
  readonly deviation: { readonly outputs: Deviations; readonly grads: Deviations };
}

interface Family {
  readonly schema: number;
  readonly family: string;
  readonly files: Readonly<Record<string, { readonly sha256: string }>>;
  readonly cases: readonly CaseEntry[];
}

/** One operator case with its tensors: "model", "input.*", "output.*", "upstream.*", "grad.*". */
export interface OpCase {
  /** "family/case". */
  readonly name: string;
  readonly entry: CaseEntry;
  readonly tensors: Tensors;
}

/**
 * Differences allowed: 5e-6 of the largest magnitude of a tensor, which is 42 units in the last place of float32 (other
 * engines reach 1e-6), and ten times torch's own float32 error where the case is ill conditioned.
 */
const TOLERANCE = 5e-6;
const DEVIATION_FACTOR = 10;

/** All cases of the families in a folder, in the order of their names. @throws when a digest does not match. */
export function readOpCases(folder: string): readonly OpCase[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return files.sort().flatMap((file): OpCase[] => {
    const family = JSON.parse(readFileSync(join(folder, file), "utf8")) as Family;
    if (family.schema !== 1) throw new Error(`${file}: schema ${family.schema} is unknown; expected 1.`);
    const tensors = new Map<string, StoredTensor>();
    for (const [name, { sha256 }] of Object.entries(family.files)) {
      const bytes = readFileSync(join(folder, name));
      const digest = createHash("sha256").update(bytes).digest("hex");
      if (digest !== sha256) throw new Error(`${name}: sha256 is ${digest}; ${file} says ${sha256}.`);
      for (const [tensor, stored] of readSafetensors(bytes, name)) tensors.set(tensor, stored);
    }
    return family.cases.map((entry) => {
      const own = [...tensors].filter(([name]) => name.startsWith(`${entry.name}/`));
      return {
        name: `${family.family}/${entry.name}`,
        entry,
        tensors: new Map(own.map(([name, stored]) => [name.slice(entry.name.length + 1), stored])),
      };
    });
  });
}

/** Imports, differentiates, runs and compares one case. Returns what is wrong, or undefined. */
export function checkOpCase(engine: Engine, { entry, tensors }: OpCase): string | undefined {
  let found: Tensors;
  try {
    found = runCase(engine, entry, tensors);
  } catch (error) {
    if (!(error instanceof PipewrightError)) throw error;
    if (error.code === "MODEL_UNSUPPORTED") return `not supported: op ${entry.op}: ${error.message}`;
    return `${error.code}: ${error.message}`;
  }
  const wrong: string[] = [];
  for (const [name, expected] of tensors) {
    const [kind, ...rest] = name.split(".");
    if (kind !== "output" && kind !== "grad") continue;
    const { outputs, grads } = entry.deviation;
    const deviation = (kind === "output" ? outputs : grads)[rest.join(".")] ?? 0;
    const upstream = kind === "grad" ? [...tensors].filter(([own]) => own.startsWith("upstream.")) : [];
    const reason = difference(found.get(name), expected, {
      relative: Math.max(TOLERANCE, DEVIATION_FACTOR * deviation),
      scaleOfZero: upstream.map(([, stored]) => stored),
    });
    if (reason) wrong.push(`${name}: ${reason}`);
  }
  return wrong.length > 0 ? wrong.join("; ") : undefined;
}

/** Outputs and gradients of a case, under the names of the reference. A gradient that does not exist is left out. */
function runCase(engine: Engine, entry: CaseEntry, tensors: Tensors): Tensors {
  const model = importCase(entry, tensors);
  const { graph } = model;
  verify(graph, OPS, "import");
  const seeds = graph.outputs
    .filter(({ name }) => entry.outputs.some((own) => own?.name === name && own.upstream))
    .map((output) => ({ output, upstream: `upstream.${output.name}` }));
  const wrt = [...graph.inputs, ...graph.params].filter((value) =>
    entry.inputs.some((own) => own?.name === value.name && own.differentiable),
  );
  const results = new Map<string, Value>(graph.outputs.map((value) => [`output.${value.name}`, value]));
  let program = graph;
  if (seeds.length > 0) {
    const backward = differentiate(graph, OPS, { seeds, wrt });
    verify(backward.graph, OPS, "differentiation");
    program = backward.graph;
    for (const { of, grad } of [...backward.inputGrads, ...backward.parameterGrads])
      results.set(`grad.${of.name}`, grad);
  }
  const values = [...new Set(results.values())];
  const types = new Map<string, TensorType>(values.map(({ name, type }) => [name, type]));
  const bytes = exportProgram({
    name: entry.name,
    inputs: [...program.inputs, ...program.params],
    outputs: values,
    nodes: program.nodes,
  });
  const computed = runOnce(engine, bytes, feedsOf(model, program.inputs, tensors), types);
  return new Map([...results].map(([name, value]) => [name, computed.get(value.name)!]));
}

/**
 * The imported model. Inputs of integers or bools that the shapes depend on become constants of the case: shapes are
 * static here.
 */
function importCase(entry: CaseEntry, tensors: Tensors): ImportedModel {
  const { bytes } = tensors.get("model")!;
  try {
    return importModel(bytes);
  } catch (error) {
    if (!(error instanceof PipewrightError) || !error.message.includes("not known at compile time")) throw error;
    const model = decodeModel(bytes);
    const constants = entry.inputs.flatMap((input) => {
      const tensor = tensors.get(`input.${input?.name}`);
      if (!input || !tensor || isFloat(tensor.dtype)) return [];
      return [{ dims: tensor.shape, data_type: dtypeCode(tensor.dtype), name: input.name, raw_data: tensor.bytes }];
    });
    return importModel(
      encodeModel({
        ...model,
        graph: { ...model.graph, initializer: [...(model.graph?.initializer ?? []), ...constants] },
      }),
    );
  }
}

function feedsOf({ graph, weights }: ImportedModel, inputs: readonly Value[], tensors: Tensors): Tensors {
  const feeds = new Map<string, StoredTensor>();
  for (const { name } of inputs) {
    const tensor = tensors.get(name) ?? tensors.get(`input.${name}`);
    if (tensor) feeds.set(name, tensor);
  }
  for (const { id, name, type } of graph.params) {
    const source = weights.get(id);
    if (source && source.kind !== "external") feeds.set(name, { ...type, bytes: weightBytes(source, type) });
  }
  return feeds;
}
