/** @file Writes trained tensors back into the file they came from: all else of the file stays as it is. */
import { invariant, PipewrightError } from "../errors.js";
import type { TensorType } from "../ir/graph.js";
import { tensorBytes as bytesOfType } from "../ir/literal.js";
import { encodeModel } from "./codec.js";
import { dtypeCode } from "./dtype.js";
import type { AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto } from "./proto.js";
import { changed } from "./proto.js";
import { withBytes } from "./tensor-data.js";
import { weightSource } from "./weights.js";

/** New elements of a parameter, little-endian, row-major. */
export interface TrainedTensor {
  readonly type: TensorType;
  readonly bytes: Uint8Array;
}

/** Bytes that belong into a file of external data; `location` is relative to the model's directory. */
export interface ExternalPatch {
  readonly location: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface WrittenModel {
  /** The model file. */
  readonly bytes: Uint8Array;
  /** What to write into the external data files; nothing when all weights are in the model file. */
  readonly external: readonly ExternalPatch[];
}

/**
 * The model with new elements for the parameters in `tensors`, by name.
 *
 * Requires: names and types of parameters of the main graph.
 * Ensures: initializers keep their form (raw_data, float_data or external), Constant nodes stay Constant nodes;
 * ConstantOfShape nodes, which cannot hold different elements, become initializers. Metadata and unknown fields stay.
 * @throws MODEL_UNSUPPORTED for a parameter made inside a function or a loop, which has no place of its own in the file.
 */
export function writeBack(model: ModelProto, tensors: ReadonlyMap<string, TrainedTensor>): WrittenModel {
  const left = new Map(tensors);
  const external: ExternalPatch[] = [];
  const graph = model.graph!;
  const initializer = (graph.initializer ?? []).map((tensor) => {
    const trained = take(left, tensor.name ?? "");
    return trained ? replaced(tensor, trained, external) : tensor;
  });
  const added: TensorProto[] = [];
  const node = (graph.node ?? []).flatMap((own) => replacedNode(own, left, added));
  const [name] = left.keys();
  if (name !== undefined) {
    throw new PipewrightError(
      "MODEL_UNSUPPORTED",
      `parameter ${JSON.stringify(name)}: it is made inside a function or a loop of the model, so the file has no place for its trained value. Save a checkpoint or export the graph instead.`,
      { parameters: [...left.keys()] },
    );
  }
  const changes: Partial<GraphProto> = { initializer: [...initializer, ...added], node };
  return { bytes: encodeModel(changed(model, { graph: changed(graph, changes) })), external };
}

function take(tensors: Map<string, TrainedTensor>, name: string): TrainedTensor | undefined {
  const trained = tensors.get(name);
  tensors.delete(name);
  if (trained) {
    invariant(trained.bytes.length === bytesOfType(trained.type), `trained ${name} has ${trained.bytes.length} bytes`);
  }
  return trained;
}

/** The initializer with new elements. External data stay external; a checksum of the old ones goes. */
function replaced(tensor: TensorProto, { type, bytes }: TrainedTensor, external: ExternalPatch[]): TensorProto {
  if (tensor.data_location !== 1) return withBytes(tensor, bytes);
  const source = weightSource(tensor, type, `initializer ${JSON.stringify(tensor.name)}`);
  invariant(source.kind === "external", "an external initializer has an external source");
  external.push({ location: source.location, offset: source.offset, bytes });
  const entries = (tensor.external_data ?? []).filter(({ key }) => key !== "checksum");
  return changed(tensor, { external_data: entries });
}

function replacedNode(
  node: NodeProto,
  tensors: Map<string, TrainedTensor>,
  added: TensorProto[],
): readonly NodeProto[] {
  if (node.op_type !== "Constant" && node.op_type !== "ConstantOfShape") return [node];
  const name = node.output?.[0] ?? "";
  const trained = take(tensors, name);
  if (!trained) return [node];
  if (node.op_type === "ConstantOfShape") {
    added.push({ dims: trained.type.shape, data_type: dtypeCode(trained.type.dtype), name, raw_data: trained.bytes });
    return [];
  }
  const attribute = (node.attribute ?? []).map((own): AttributeProto =>
    own.t ? changed(own, { t: withBytes(own.t, trained.bytes) }) : own,
  );
  return [changed(node, { attribute })];
}
