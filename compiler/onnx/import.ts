/** @file The ONNX door: bytes of a model in, a typed graph at opset 21 with static shapes out. */
import { PipewrightError } from "../errors.js";
import type { Graph, Value, ValueId } from "../ir/graph.js";
import type { Conversion, Half } from "../ir/half.js";
import { elementTypeNamed } from "../ops/element-type.js";
import { decodeModel } from "./codec.js";
import { checkDeclaredTypes } from "./declared.js";
import type { ShapeOptions } from "./dims.js";
import { staticTypes } from "./dims.js";
import { finishGraph } from "./finish.js";
import { functionCalls, nodesInFile, opsetVersions } from "./functions.js";
import type { ModelLimits } from "./limits.js";
import { DEFAULT_LIMITS } from "./limits.js";
import { Lowering } from "./lowering.js";
import { conversions } from "./precision.js";
import type { GraphProto, ModelProto } from "./proto.js";
import { numberOf } from "./proto.js";
import { isTensor, Scope } from "./scope.js";
import { unsupportedNode } from "./source.js";
import { weightReads } from "./weight-reads.js";
import type { WeightSource } from "./weights.js";

/** The newest version of the file format that is known here. */
const NEWEST_IR = 14;
/** The newest operator set of ai.onnx whose changes are known here. */
const NEWEST_OPSET = 27;

export interface ImportOptions {
  /** Size of each symbolic dim, by name. A dim without a name is called "<input>.<axis>". */
  readonly bind?: Readonly<Record<string, number>>;
  /** Whole shapes by input name, for inputs to which the file gives none, or to override it. */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>;
  readonly limits?: ModelLimits;
}

export interface ImportedModel {
  readonly graph: Graph;
  /** Where the bytes of each of `graph.params` are. */
  readonly weights: ReadonlyMap<ValueId, WeightSource>;
  /** The decoded file, for writing trained weights back into it. */
  readonly model: ModelProto;
  /** Operator set of ai.onnx that the file was written for. */
  readonly opset: number;
  /** What of the file is half precision and is float32 in `graph`. */
  readonly conversions: readonly Conversion[];
  /** Names of float constants that stand where operators have weights, and are no parameters. */
  readonly constants: readonly string[];
}

/**
 * Reads a model.
 *
 * Ensures: the graph is at opset 21 with static shapes; functions are inlined, conditions and loops resolved, shape
 * arithmetic folded, composite operators decomposed; values, parameters and nodes keep the names of the file. Float
 * initializers are parameters; small integer ones and small constants are literals; half precision is float32 (see
 * precision.ts). Weights are not read.
 * @throws MODEL_MALFORMED, SHAPE_MISMATCH, LIMIT_EXCEEDED; DIM_UNBOUND with all dims; MODEL_UNSUPPORTED with all nodes.
 */
export function importModel(bytes: Uint8Array, options: ImportOptions = {}): ImportedModel {
  const limits = options.limits ?? DEFAULT_LIMITS;
  const model = decodeModel(bytes, limits);
  const opsets = checkVersions(model);
  const { built, names, weights, casts, constants } = lowerModel(model, opsets, limits, options);
  const graph = finishGraph(sortParams(built, model.graph!), names);
  checkDeclaredTypes(model.graph!, graph, Object.keys(options.inputShapes ?? {}).length > 0);
  const found = conversionsOf(graph, { weights, casts }, model.graph!);
  return { graph, weights, model, opset: opsets.get("")!, conversions: found, constants };
}

/** What the lowering leaves behind: its scopes and indices, as large as the graph, are gone with it. */
interface LoweredModel {
  readonly built: Graph;
  /** Names that values of the file have. */
  readonly names: ReadonlyMap<ValueId, string>;
  readonly weights: ReadonlyMap<ValueId, WeightSource>;
  /** Half-precision types that nodes convert to. */
  readonly casts: readonly Half[];
  readonly constants: readonly string[];
}

function lowerModel(
  model: ModelProto,
  opsets: ReadonlyMap<string, number>,
  limits: ModelLimits,
  { bind = {}, inputShapes = {} }: ImportOptions,
): LoweredModel {
  const graph = model.graph!;
  const calls = functionCalls(model, opsets, limits);
  const lowering = new Lowering(limits, calls, nodesInFile(model), weightReads(model));
  const scope = new Scope({ prefix: "", depth: 0, opsets });
  bindInputs(graph, lowering, scope, { bind, inputShapes }, limits);
  lowering.lowerBody(graph, scope);
  const outputs = bindOutputs(graph, lowering, scope);
  lowering.problems.throwIfAny();
  const built = lowering.emitter.builder.build(graph.name || "model", outputs);
  const { weights, casts, constants } = lowering;
  return { built, names: lowering.names(), weights, casts, constants: [...constants] };
}

function conversionsOf(
  finished: Graph,
  { weights, casts }: Pick<LoweredModel, "weights" | "casts">,
  { input = [] }: GraphProto,
): readonly Conversion[] {
  const fed = new Set(finished.inputs.map(({ name }) => name));
  const declared = input.filter(({ name }) => fed.has(name));
  return conversions({
    parameters: finished.params.map(({ id }) => weights.get(id)?.dtype),
    inputs: declared.map(({ type }) => elementTypeNamed(type?.tensor_type?.elem_type ?? 0)),
    casts,
  });
}

function checkVersions(model: ModelProto): ReadonlyMap<string, number> {
  const version = numberOf(model.ir_version);
  if (version < 1) throw new PipewrightError("MODEL_MALFORMED", `model: ir_version is ${version}; expected 1 or more.`);
  if (version > NEWEST_IR) {
    throw new PipewrightError(
      "MODEL_UNSUPPORTED",
      `model: ir_version ${version} is newer than ${NEWEST_IR}, the newest one known. Export for an older one.`,
    );
  }
  if ((model.training_info?.length ?? 0) > 0) {
    throw new PipewrightError(
      "MODEL_UNSUPPORTED",
      "model: it carries ONNX training information. Export the forward graph alone.",
    );
  }
  const imports = model.opset_import ?? [];
  if (imports.length === 0 && version >= 3) {
    throw new PipewrightError("MODEL_MALFORMED", "model: it imports no operator set; expected one opset_import entry.");
  }
  const versions = new Map([["", 1], ...opsetVersions(imports, "model")]);
  const own = versions.get("")!;
  if (own > NEWEST_OPSET) {
    throw new PipewrightError(
      "MODEL_UNSUPPORTED",
      `model: operator set ${own} is newer than ${NEWEST_OPSET}, the newest one known. Export for an older one.`,
    );
  }
  return versions;
}

/** Inputs of the graph; those that also have an initializer (files before IR 4 list them) are parameters. */
function bindInputs(
  graph: GraphProto,
  lowering: Lowering,
  scope: Scope,
  shapes: ShapeOptions,
  limits: ModelLimits,
): void {
  const sparse = (graph.sparse_initializer ?? []).flatMap(({ values }) => (values ? [values] : []));
  const initialized = new Set([...(graph.initializer ?? []), ...sparse].map(({ name }) => name ?? ""));
  const infos = (graph.input ?? []).filter(({ name }) => !initialized.has(name));
  const types = staticTypes(infos, shapes, limits);
  for (const [position, { name }] of infos.entries()) {
    if (scope.hasOwn(name))
      throw new PipewrightError("MODEL_MALFORMED", `input ${JSON.stringify(name)}: declared twice.`);
    scope.bind(name, lowering.emitter.builder.input(name, types[position]!));
  }
}

/** The graph's outputs under their names. An input, a parameter or another output under a second name gets a copy. */
function bindOutputs(graph: GraphProto, lowering: Lowering, scope: Scope): readonly Value[] {
  if ((graph.output ?? []).length === 0)
    throw new PipewrightError("MODEL_MALFORMED", "graph: it has no outputs; expected at least one.");
  const taken = new Set<ValueId>();
  return (graph.output ?? []).flatMap(({ name }): Value[] => {
    const bound = lowering.lookup(name, scope, `output ${JSON.stringify(name)} of the graph`);
    if (!isTensor(bound)) {
      if (bound.kind === "unknown") return [];
      throw unsupportedNode(`output ${JSON.stringify(name)}: it is a ${bound.kind}; only tensors can be outputs.`);
    }
    if (bound.name === name && !lowering.emitter.isMade(bound)) return [bound];
    const own = lowering.emitter.isMade(bound) && !taken.has(bound.id) ? bound : lowering.emitter.copy(bound);
    taken.add(own.id);
    lowering.rename(own, name);
    return [own];
  });
}

/** Parameters in the order of the file's initializers, then those of nodes as they come. */
function sortParams(graph: Graph, proto: GraphProto): Graph {
  const order = new Map((proto.initializer ?? []).map(({ name }, position) => [name ?? "", position]));
  const place = ({ name }: Value): number => order.get(name) ?? Infinity;
  const inFile = graph.params.filter((value) => order.has(value.name)).sort((a, b) => place(a) - place(b));
  return { ...graph, params: [...inFile, ...graph.params.filter((value) => !order.has(value.name))] };
}
