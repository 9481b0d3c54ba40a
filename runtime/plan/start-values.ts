/**
 * @file The start values of a plan's parameters. They pass one by one, so that making a plan never holds all weights of
 * a model; a parameter of one number everywhere is that number in plan.json and takes no place in the file.
 */
import type { TensorType } from "../../compiler/ir/graph.js";
import { tensorBytes } from "../../compiler/ir/literal.js";
import { formatType } from "../../compiler/ir/print.js";
import { weightBytes } from "../../compiler/onnx/weights.js";
import type { Plan, PlanParameter } from "../../compiler/plan/plan.js";
import type { StoredTensor, Tensors } from "../../compiler/plan/safetensors.js";
import { safetensorsHead, safetensorsHeadBytes, safetensorsPlaces } from "../../compiler/plan/safetensors.js";
import type { ConfinedFile } from "../env/env.js";

/** A start value: at hand, to be read when it is needed, or one number everywhere. */
export type StartValue =
  StoredTensor | (TensorType & { readonly read: () => Promise<Uint8Array> }) | (TensorType & { readonly fill: number });

/** Start values by the names of their parameters. */
export type StartValues = ReadonlyMap<string, StartValue>;

/** The bytes of a start value. */
export async function startBytes(value: StartValue): Promise<Uint8Array> {
  if ("bytes" in value) return value.bytes;
  return "read" in value ? value.read() : filledBytes(value);
}

/** The plan's parameters, with the numbers of those that are filled. */
export function withFills(parameters: readonly PlanParameter[], values: StartValues): readonly PlanParameter[] {
  return parameters.map((parameter) => {
    const value = values.get(parameter.name);
    return value && "fill" in value ? { ...parameter, fill: value.fill } : parameter;
  });
}

/** weights.safetensors part by part: the values that are not filled. */
export async function* weightsFile(values: StartValues): AsyncGenerator<Uint8Array> {
  const stored = new Map([...values].filter(([, value]) => !("fill" in value)));
  const { head, order } = safetensorsHead(stored);
  yield head;
  for (const name of order) yield await startBytes(stored.get(name)!);
}

/** Why a weights file does not fit its plan. */
export type Misfit = (what: string) => Error;

/** The start values of a plan's parameters out of the weights file, which lies at `path`. @throws FILE; `misfit` for other tensors. */
export async function readStartValues(file: ConfinedFile, path: string, plan: Plan, misfit: Misfit): Promise<Tensors> {
  const first = await file.readRange(0, Math.min(file.bytes, 8));
  const head = await file.readRange(0, safetensorsHeadBytes(first, file.bytes, path));
  const places = safetensorsPlaces(head, file.bytes, path);
  const values = new Map<string, StoredTensor>();
  for (const parameter of plan.parameters) {
    const { name, dtype, shape, fill } = parameter;
    const type = { dtype, shape };
    if (fill !== undefined) {
      values.set(name, { ...type, bytes: filledBytes({ ...type, fill }) });
      continue;
    }
    const place = places.get(name);
    const [got, wanted] = [place ? formatType(place) : "nothing", formatType(type)];
    if (!place || got !== wanted)
      throw misfit(`parameter ${JSON.stringify(name)} does not fit; got ${got}, expected ${wanted}`);
    values.set(name, { ...type, bytes: await file.readRange(place.offset, tensorBytes(type)) });
  }
  return values;
}

function filledBytes({ fill, dtype, shape }: TensorType & { readonly fill: number }): Uint8Array {
  return weightBytes({ kind: "fill", value: fill, dtype }, { dtype, shape });
}
