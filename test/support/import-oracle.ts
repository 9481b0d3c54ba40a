/** @file ONNX Runtime as the oracle of the import: a model and what pipewright makes of it give the same outputs. */
import type { DType, TensorType } from "../../compiler/ir/graph.js";
import { allocateElements, elementCount } from "../../compiler/ir/literal.js";
import { verify } from "../../compiler/ir/verify.js";
import { exportGraph } from "../../compiler/onnx/export.js";
import type { ImportedModel } from "../../compiler/onnx/import.js";
import { importModel } from "../../compiler/onnx/import.js";
import { bytesFromElements } from "../../compiler/onnx/tensor-data.js";
import { weightBytes } from "../../compiler/onnx/weights.js";
import { OPS } from "../../compiler/ops/registry.js";
import type { StoredTensor } from "../../compiler/plan/safetensors.js";
import type { Engine } from "../../runtime/engine/engine.js";
import { runOnce } from "../../runtime/engine/run-once.js";
import { difference } from "./difference.js";

/** Bytes of all parameters, by name. Requires: none is external. */
export function weightsOf({ graph, weights }: ImportedModel): ReadonlyMap<string, Uint8Array> {
  return new Map(
    graph.params.map(({ id, name, type }) => {
      const source = weights.get(id)!;
      if (source.kind === "external") throw new Error(`${name} is external`);
      return [name, weightBytes(source, type)];
    }),
  );
}

/** Numbers in −1..1 for floats, 0 or 1 for integers and bools, from a seed. */
function pseudoRandom(type: TensorType, seed: number): StoredTensor {
  const elements = allocateElements(type.dtype as Exclude<DType, "string">, elementCount(type.shape));
  let state = seed;
  for (let at = 0; at < elements.length; at++) {
    state = (state * 1103515245 + 12345) % 2147483648;
    const bit = state > 2 ** 30 ? 1 : 0;
    if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) elements[at] = BigInt(bit);
    else elements[at] = type.dtype.startsWith("float") ? state / 2 ** 30 - 1 : bit;
  }
  return { ...type, bytes: bytesFromElements(elements) };
}

/**
 * What differs between the outputs of `bytes` and of its import, both run by the engine on the same inputs; undefined
 * when nothing does. Inputs that are not given are random.
 */
export function importDifference(
  engine: Engine,
  bytes: Uint8Array,
  given: ReadonlyMap<string, StoredTensor> = new Map(),
  relative = 1e-5,
): string | undefined {
  const model = importModel(bytes);
  verify(model.graph, OPS, "import");
  const feeds = new Map(
    model.graph.inputs.map(({ name, type }, at) => [name, given.get(name) ?? pseudoRandom(type, at + 1)]),
  );
  const types = new Map(model.graph.outputs.map(({ name, type }) => [name, type]));
  const wanted = runOnce(engine, bytes, feeds, types);
  const found = runOnce(engine, exportGraph(model.graph, { weights: weightsOf(model) }), feeds, types);
  for (const name of types.keys()) {
    const reason = difference(found.get(name), wanted.get(name)!, { relative, scaleOfZero: [] });
    if (reason) return `${name}: ${reason}`;
  }
  return undefined;
}
