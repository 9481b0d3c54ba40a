/** @file Writes trained tensors back into the file they came from: all else of the file stays as it is, byte for byte. */
import { invariant, PipewrightError } from "../errors.js";
import type { DType, TensorType } from "../ir/graph.js";
import { isHalf, saturatedHalves } from "../ir/half.js";
import { tensorBytes as bytesOfType } from "../ir/literal.js";
import { formatName } from "../names.js";
import { decodeModel, encodeModel } from "./codec.js";
import { dtypeOf } from "./dtype.js";
import { isExternal } from "./external.js";
import type { ModelLimits } from "./limits.js";
import { DEFAULT_LIMITS } from "./limits.js";
import type { AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto } from "./proto.js";
import { changed, numberOf } from "./proto.js";
import {
  bytesFromElements,
  elementsFromBytes,
  elementViews,
  floatsTensor,
  tensorBytes,
  withBytes,
} from "./tensor-data.js";
import { weightSource } from "./weights.js";

/** New elements of a parameter, little-endian, row-major. */
export interface TrainedTensor {
  readonly type: TensorType;
  readonly bytes: Uint8Array;
}

/** Bytes that belong into a file of external data; `location` is relative to the model's directory. */
export interface ExternalPatch {
  /** The parameter that they are. */
  readonly name: string;
  readonly location: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface WrittenModel {
  /** The model file. */
  readonly bytes: Uint8Array;
  /** What to write into the external data files; nothing when all weights are in the model file. */
  readonly external: readonly ExternalPatch[];
  /** Half-precision parameters with elements too large for their type, and how many: they are the largest it has. */
  readonly saturated: ReadonlyMap<string, number>;
}

/**
 * The model with new elements for the parameters in `tensors`, by name. Halves are rounded to nearest even.
 *
 * Requires: the bytes of a model that was imported; names and types of parameters of the main graph.
 * Ensures: elements are replaced where they stand, so every other byte of the file is as it was. Four forms cannot hold
 * new elements in place, and the file is then encoded again, unknown fields included: halves in `int32_data`, a
 * `value_floats`, an external tensor with a checksum, which goes, and ConstantOfShape nodes, which become initializers.
 * @throws MODEL_UNSUPPORTED for a parameter made inside a function or a loop, which has no place of its own in the file.
 */
export function writeBack(
  bytes: Uint8Array,
  tensors: ReadonlyMap<string, TrainedTensor>,
  limits: ModelLimits = DEFAULT_LIMITS,
): WrittenModel {
  const graph = decodeModel(bytes, limits).graph!;
  const places = placesOf(graph, new Set(tensors.keys()));
  const written = bytes.slice();
  const external: ExternalPatch[] = [];
  const saturated = new Map<string, number>();
  const rebuilt = new Map<string, Uint8Array>();
  for (const [name, trained] of tensors) {
    invariant(trained.bytes.length === bytesOfType(trained.type), `trained ${name} has ${trained.bytes.length} bytes`);
    const { tensor, node } = places.get(name)!;
    const dtype = dtypeOf(tensor.data_type, name);
    const stored = storedBytes(trained, dtype);
    if (stored.saturated > 0) saturated.set(name, stored.saturated);
    if (isExternal(tensor)) {
      external.push(patchOf(tensor, { ...trained.type, dtype }, stored.bytes));
      if (tensor.external_data!.some(({ key }) => key === CHECKSUM)) rebuilt.set(name, stored.bytes);
      continue;
    }
    const views = node?.op_type === FILLED ? undefined : elementViews(tensor);
    if (!views?.every(({ buffer }) => buffer === bytes.buffer)) {
      if (!isAsBefore(tensor, node, stored.bytes)) rebuilt.set(name, stored.bytes);
      continue;
    }
    let at = 0;
    for (const view of views) {
      written.set(stored.bytes.subarray(at, at + view.length), view.byteOffset - bytes.byteOffset);
      at += view.length;
    }
  }
  return {
    bytes: rebuilt.size === 0 ? written : encodedAgain(decodeModel(written, limits), tensors, rebuilt),
    external,
    saturated,
  };
}

/** @throws MODEL_UNSUPPORTED as `writeBack`, before anything is trained. */
export function checkPlaces({ graph }: ModelProto, names: ReadonlySet<string>): void {
  placesOf(graph!, names);
}

const CHECKSUM = "checksum";
const FILLED = "ConstantOfShape";
const HELD = "Constant";

/** True for the attribute of a Constant whose value is written as plain numbers. */
function isFloatList({ name }: AttributeProto): boolean {
  return name === "value_floats";
}

function floatsOf(bytes: Uint8Array): Float32Array {
  return elementsFromBytes("float32", bytes) as Float32Array;
}

/** A tensor of the main graph, and the node that makes it if no initializer does. */
interface Place {
  readonly tensor: TensorProto;
  readonly node?: NodeProto;
}

/** Where each parameter stands. @throws MODEL_UNSUPPORTED naming one that stands nowhere. */
function placesOf(graph: GraphProto, tensors: ReadonlySet<string>): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const tensor of graph.initializer ?? [])
    if (tensors.has(tensor.name ?? "")) places.set(tensor.name!, { tensor });
  for (const node of graph.node ?? []) {
    const name = node.output?.[0] ?? "";
    if (!tensors.has(name) || (node.op_type !== FILLED && node.op_type !== HELD)) continue;
    const tensor = node.attribute?.find(({ t }) => t)?.t;
    const list = node.attribute?.find(isFloatList);
    places.set(name, { node, tensor: tensor ?? (list ? floatsTensor(list) : { dims: [1], data_type: 1 }) });
  }
  const homeless = [...tensors].filter((name) => !places.has(name));
  if (homeless.length === 0) return places;
  throw new PipewrightError(
    "MODEL_UNSUPPORTED",
    `parameter ${formatName(homeless[0]!)}: it is made inside a function or a loop of the model, so the file has no place for its trained value. Save a checkpoint or export the graph instead.`,
    { parameters: homeless },
  );
}

/** Elements as the file's element type has them. Finite ones stay finite. */
function storedBytes({ type, bytes }: TrainedTensor, dtype: DType): { readonly bytes: Uint8Array; saturated: number } {
  if (type.dtype === dtype) return { bytes, saturated: 0 };
  invariant(isHalf(dtype) && type.dtype === "float32", `a trained ${type.dtype} belongs into a ${dtype}`);
  const { halves, saturated } = saturatedHalves(floatsOf(bytes), dtype);
  return { bytes: bytesFromElements(halves), saturated };
}

/** True when the file holds these elements already. Asked only where changing them means encoding the file again. */
function isAsBefore(tensor: TensorProto, node: NodeProto | undefined, bytes: Uint8Array): boolean {
  const held = (tensor.raw_data?.length ?? 0) + (tensor.$unknowns?.length ?? 0) > 0;
  const own = held ? tensorBytes(tensor, tensor.name ?? "") : new Uint8Array(4);
  if (node?.op_type !== FILLED) return own.every((byte, at) => byte === bytes[at]);
  return bytes.every((byte, at) => byte === own[at % own.length]);
}

function patchOf(tensor: TensorProto, type: TensorType, bytes: Uint8Array): ExternalPatch {
  const source = weightSource(tensor, type, `initializer ${formatName(tensor.name ?? "")}`);
  invariant(source.kind === "external", "an external tensor has an external source");
  return { name: tensor.name ?? "", location: source.location, offset: source.offset, bytes };
}

/** The file with tensors in it that do not fit in place. */
function encodedAgain(
  model: ModelProto,
  tensors: ReadonlyMap<string, TrainedTensor>,
  rebuilt: ReadonlyMap<string, Uint8Array>,
): Uint8Array {
  const graph = model.graph!;
  const replaced = (tensor: TensorProto, name: string): TensorProto => {
    const stored = rebuilt.get(name);
    if (!stored) return tensor;
    if (!isExternal(tensor)) return withBytes(tensor, stored);
    return changed(tensor, { external_data: (tensor.external_data ?? []).filter(({ key }) => key !== CHECKSUM) });
  };
  const added: TensorProto[] = [];
  const node = (graph.node ?? []).flatMap((own): readonly NodeProto[] => {
    const name = own.output?.[0] ?? "";
    const stored = rebuilt.get(name);
    if (!stored || (own.op_type !== FILLED && own.op_type !== HELD)) return [own];
    if (own.op_type === FILLED) {
      const data_type = own.attribute?.find(({ t }) => t)?.t?.data_type ?? 1;
      added.push({ dims: tensors.get(name)!.type.shape, data_type, name, raw_data: stored });
      return [];
    }
    const attribute = (own.attribute ?? []).map((held): AttributeProto => {
      if (held.t) return changed(held, { t: replaced(held.t, name) });
      return isFloatList(held) ? changed(held, { floats: [...floatsOf(stored)] }) : held;
    });
    return [changed(own, { attribute })];
  });
  const initializer = (graph.initializer ?? []).map((tensor) => replaced(tensor, tensor.name ?? ""));
  const listed = numberOf(model.ir_version) < IR_WITHOUT_LISTED_INITIALIZERS ? added.map(asInput) : [];
  const parts = {
    node,
    initializer: [...initializer, ...added],
    ...(listed.length > 0 ? { input: [...(graph.input ?? []), ...listed] } : {}),
  };
  return encodeModel(changed(model, { graph: changed(graph, parts) }));
}

/** Before this version of the format every initializer had to be an input too. */
const IR_WITHOUT_LISTED_INITIALIZERS = 4;

function asInput({ name, dims, data_type }: TensorProto): ValueInfoProto {
  const shape = { dim: dims.map((size) => ({ dim_value: size })) };
  return { name: name!, type: { tensor_type: { elem_type: data_type, shape } } };
}
