/** @file The trained model of a plan directory in the form of the file that it came from. */
import { tensorBytes } from "../compiler/ir/literal.js";
import { formatName, plainName } from "../compiler/names.js";
import { decodeModel, encodeModel } from "../compiler/onnx/codec.js";
import { isExternal } from "../compiler/onnx/external.js";
import type { ModelLimits } from "../compiler/onnx/limits.js";
import { DEFAULT_LIMITS } from "../compiler/onnx/limits.js";
import type { ModelProto, TensorProto } from "../compiler/onnx/proto.js";
import { changed } from "../compiler/onnx/proto.js";
import { tensorType } from "../compiler/onnx/tensor-data.js";
import type { TrainedTensor, WrittenModel } from "../compiler/onnx/write-back.js";
import { checkPlaces, writeBack } from "../compiler/onnx/write-back.js";
import type { Plan } from "../compiler/plan/plan.js";
import type { Tensors } from "../compiler/plan/safetensors.js";
import { readSafetensors } from "../compiler/plan/safetensors.js";
import type { Env } from "./env/env.js";
import { assembled, formerFiles, freeLocations, removeFormer, writeExternalFiles } from "./external-output.js";
import { externalTensors, locationOf, remainsOf } from "./external-remains.js";
import { readPlainFile } from "./plain-file.js";
import { PLAN_FILES } from "./plan/directory.js";
import { loadPlanModel } from "./plan/plan-model.js";

/** What `writeTrained` wrote. */
export interface WrittenFiles {
  /** Files of external data, relative to the model's folder. */
  readonly external: readonly string[];
  /** What is not as in the original file, in sentences. */
  readonly notes: readonly string[];
}

/**
 * The model of a plan directory with new weights, written to `out`; external data go beside it, in files of the same
 * layout. Everything else stays as it was. External files appear first, each at once and under a name that is free, and
 * the model last: until then the model that was at `out` is as it was.
 * Requires: `weights` are all parameters of the plan.
 * @throws FILE; MODEL_UNSUPPORTED for parameters that have no place in the file; what `loadPlanModel` throws.
 */
export async function writeTrained(
  env: Env,
  directory: string,
  plan: Plan,
  weights: Tensors,
  out: string,
  limits: ModelLimits = DEFAULT_LIMITS,
): Promise<WrittenFiles> {
  const { bytes, proto } = await loadPlanModel(env.files, directory, plan, limits);
  const isChanged = changedParameters(plan);
  const trained = new Map([...weights].filter(([name]) => isChanged.has(name)));
  if (!Object.hasOwn(plan.files, PLAN_FILES.external)) {
    const written = writtenWithin(bytes, trained, limits);
    await env.files.writeAtomic(out, written.bytes);
    return { external: [], notes: saturationNotes(written) };
  }
  const subject = `${directory}/${PLAN_FILES.external}`;
  const kept = readSafetensors(await readPlainFile(env.files, directory, PLAN_FILES.external), subject);
  const remains = remainsOf(kept, subject);
  const outside = namesOfExternal(proto);
  const all = new Map([...weights].filter(([name]) => isChanged.has(name) || outside.has(name)));
  const whole = writeBack(bytes, trainedTensors(all), limits);
  const { files, displaced } = assembled(remains, whole.external);
  const free = await freeLocations(
    env,
    out,
    files.map(({ location }) => location),
  );
  const moved = new Map([...weights].filter(([name]) => displaced.includes(name)));
  const within = moved.size > 0 ? writtenWithin(whole.bytes, moved, limits).bytes : whole.bytes;
  const former = await formerFiles(env, out, limits);
  await writeExternalFiles(env, out, files, free);
  await env.files.writeAtomic(out, renamed(within, free, limits));
  await removeFormer(env, out, former);
  const renames = [...free].filter(([location, name]) => location !== name);
  return {
    external: [...free.values()],
    notes: [
      ...saturationNotes(whole),
      ...renames.map(
        ([location, name]) => `${plainName(location)} is there already, so the trained data are in ${plainName(name)}`,
      ),
      ...displaced.map((name) => `${formatName(name)} shared its data and trained apart, so it is in the model file`),
    ],
  };
}

/** @throws MODEL_UNSUPPORTED when a parameter that the plan changes has no place in the model file; what `loadPlanModel` throws. */
export async function checkWritable(
  env: Env,
  directory: string,
  plan: Plan,
  limits: ModelLimits = DEFAULT_LIMITS,
): Promise<void> {
  checkPlaces((await loadPlanModel(env.files, directory, plan, limits)).proto, changedParameters(plan));
}

/** The model file with new weights. Tensors that lay in other files move into it, so that no other file changes. */
export function withWeights(bytes: Uint8Array, weights: Tensors, limits: ModelLimits = DEFAULT_LIMITS): Uint8Array {
  return writtenWithin(bytes, weights, limits).bytes;
}

function writtenWithin(bytes: Uint8Array, weights: Tensors, limits: ModelLimits): WrittenModel {
  return writeBack(embedded(bytes, weights, limits), trainedTensors(weights), limits);
}

/** Parameters that training replaces: those with a gradient, and states such as running means. */
function changedParameters({ parameters, stages }: Plan): ReadonlySet<string> {
  const states = stages.flatMap(({ programs }) =>
    programs.flatMap(({ outputs }) => outputs.flatMap((port) => (port.at === "param" ? [port.param] : []))),
  );
  return new Set([...parameters.filter(({ trainable }) => trainable).map(({ name }) => name), ...states]);
}

function trainedTensors(weights: Tensors): ReadonlyMap<string, TrainedTensor> {
  return new Map([...weights].map(([name, { dtype, shape, bytes }]) => [name, { type: { dtype, shape }, bytes }]));
}

function namesOfExternal({ graph }: ModelProto): ReadonlySet<string> {
  return new Set((graph?.initializer ?? []).filter(isExternal).map(({ name }) => name ?? ""));
}

/** The model file with room for the external initializers among `weights`. */
function embedded(bytes: Uint8Array, weights: Tensors, limits: ModelLimits): Uint8Array {
  const model = decodeModel(bytes, limits);
  const graph = model.graph!;
  const isMoved = (tensor: TensorProto): boolean => isExternal(tensor) && weights.has(tensor.name ?? "");
  if (!graph.initializer?.some(isMoved)) return bytes;
  const initializer = graph.initializer.map((tensor): TensorProto => {
    if (!isMoved(tensor)) return tensor;
    const room = new Uint8Array(tensorBytes(tensorType(tensor, tensor.name ?? "")));
    return changed(tensor, { raw_data: room, external_data: [], data_location: 0 });
  });
  return encodeModel(changed(model, { graph: changed(graph, { initializer }) }));
}

/** The model file with other names for its files of external data; the same bytes where none changes. */
function renamed(bytes: Uint8Array, names: ReadonlyMap<string, string>, limits: ModelLimits): Uint8Array {
  if ([...names].every(([location, name]) => location === name)) return bytes;
  const model = decodeModel(bytes, limits);
  for (const tensor of externalTensors(model)) {
    const name = names.get(locationOf(tensor) ?? "");
    const entry = tensor.external_data?.find(({ key }) => key === "location") as { value: string } | undefined;
    if (entry && name !== undefined) entry.value = name;
  }
  return encodeModel(model);
}

function saturationNotes({ saturated }: WrittenModel): readonly string[] {
  return [...saturated].map(
    ([name, count]) =>
      `${formatName(name)}: ${count} element${count === 1 ? " is" : "s are"} too large for the half precision of the file, which has the largest number there is instead`,
  );
}
