/**
 * @file Turns the nodes of a file into nodes of the IR, one by one in topological order: structural nodes (control
 * flow, sequences, functions) by handlers, others by upgrading to opset 21, then as they are or decomposed.
 */
import { PipewrightError } from "../errors.js";
import { suggestion } from "../closest.js";
import { formatName } from "../names.js";
import type { Value, ValueId } from "../ir/graph.js";
import type { Half } from "../ir/half.js";
import { elementCount, isFloat } from "../ir/literal.js";
import type { AttrValue } from "./attributes.js";
import { attributeValue, fitsKind } from "./attributes.js";
import { COMPILE_TIME_INPUTS, isListInput, SETTING_INPUTS } from "./positions.js";
import { DECOMPOSITIONS, SIMPLIFICATIONS } from "./decompose/table.js";
import { isExternal } from "./external.js";
import { FoldingEmitter, notATensor, opDef, opNames } from "./folding.js";
import type { ModelLimits } from "./limits.js";
import { overLimit } from "./limits.js";
import { describe, nodeName, sortNodes } from "./order.js";
import { inTrainingPrecision, trainingType } from "./precision.js";
import { Problems, unknownOperator } from "./problems.js";
import { attributeFault } from "./attribute-domains.js";
import type { AttributeProto, GraphProto, NodeProto, SparseTensorProto, TensorProto } from "./proto.js";
import { changed } from "./proto.js";
import type { Bound, Scope } from "./scope.js";
import { isTensor, isUnknown, UNKNOWN } from "./scope.js";
import type { SourceNode } from "./source.js";
import { malformedNode, unsupportedNode } from "./source.js";
import { sparseLiteral } from "./sparse.js";
import { checkInputTypes, checkSameTypes, checkSignature } from "./signatures.js";
import { STRUCTURAL } from "./structural/table.js";
import { tensorLiteral, tensorType } from "./tensor-data.js";
import { UPGRADES } from "./upgrade/table.js";
import type { WeightReads } from "./weight-reads.js";
import type { WeightSource } from "./weights.js";
import { weightSource } from "./weights.js";

/** A model-local function as the lowering calls it. */
export type FunctionCall = (lowering: Lowering, call: CallSite) => readonly (Bound | undefined)[];

/** A node that stands for more than one operator: its proto, where it is, and what its inputs are. */
export interface CallSite {
  readonly node: NodeProto;
  readonly scope: Scope;
  readonly inputs: readonly (Bound | undefined)[];
}

export class Lowering {
  readonly limits: ModelLimits;
  readonly emitter: FoldingEmitter;
  readonly weights = new Map<ValueId, WeightSource>();
  readonly problems = new Problems();
  /** Half-precision types that nodes convert to, one entry per node. */
  readonly casts: Half[] = [];
  /** Functions of the model by `functionKey`. */
  readonly functions: ReadonlyMap<string, FunctionCall>;
  /** Nodes as the file has them, those of functions and inner graphs included. */
  readonly nodesInFile: number;
  readonly weightReads: WeightReads;
  /** Float constants that are read where operators have weights, and are none. */
  readonly constants = new Set<string>();
  #lowered = 0;
  readonly #order = new Map<readonly NodeProto[], readonly NodeProto[]>();
  readonly #names = new Map<ValueId, string>();
  /** How deep the scope is that a name comes from; names of the main graph are not listed. */
  readonly #depths = new Map<ValueId, number>();

  constructor(
    limits: ModelLimits,
    functions: ReadonlyMap<string, FunctionCall>,
    nodesInFile: number,
    weightReads: WeightReads,
  ) {
    this.limits = limits;
    this.functions = functions;
    this.nodesInFile = nodesInFile;
    this.weightReads = weightReads;
    this.emitter = new FoldingEmitter(limits, this.weights, nodesInFile);
  }

  /** Names that values of the file have, for `finishGraph`. */
  names(): ReadonlyMap<ValueId, string> {
    return this.#names;
  }

  /** Gives a value the name it has in the file. A name of an outer scope wins over one of an inner scope. */
  name(value: Value, name: string, scope: Scope): void {
    const depth = this.#names.has(value.id) ? (this.#depths.get(value.id) ?? 0) : Infinity;
    if (scope.depth < depth) this.#setName(value, scope.prefix + name, scope.depth);
  }

  /** Gives a value the name of a graph output, whatever it was called before. */
  rename(value: Value, name: string): void {
    this.#setName(value, name, 0);
  }

  #setName({ id }: Value, name: string, depth: number): void {
    this.#names.set(id, name);
    if (depth > 0) this.#depths.set(id, depth);
    else this.#depths.delete(id);
  }

  /**
   * Lowers the initializers and nodes of a graph or a function into `scope`, where its inputs are bound already.
   * Ensures: every output of every node is bound, to UNKNOWN where the node is reported in `problems`.
   */
  lowerBody(body: Pick<GraphProto, "node" | "initializer" | "sparse_initializer">, scope: Scope): void {
    for (const [position, tensor] of (body.initializer ?? []).entries()) this.#initializer(tensor, position, scope);
    for (const sparse of body.sparse_initializer ?? []) this.#sparseInitializer(sparse, scope);
    const { prefix } = this.emitter.builder;
    for (const node of this.#sorted(body.node ?? [])) this.#lowerNode(node, scope);
    this.emitter.namePrefix(prefix);
  }

  /** Lowers an inner graph, such as a branch or a loop body, and returns its outputs. */
  lowerInner(graph: GraphProto, scope: Scope): readonly Bound[] {
    this.lowerBody(graph, scope);
    return (graph.output ?? []).map(({ name }) => this.lookup(name, scope, "output of an inner graph"));
  }

  /** What a name stands for. @throws MODEL_MALFORMED when it stands for nothing. */
  lookup(name: string, scope: Scope, reader: string): Bound {
    const bound = scope.lookup(name);
    if (bound) return bound;
    throw new PipewrightError(
      "MODEL_MALFORMED",
      `${reader}: reads ${formatName(name)}, which nothing makes.${suggestion(name, scope.names())}`,
      { value: name },
    );
  }

  /** A parameter with its bytes. */
  param(name: string, type: Value["type"], source: WeightSource): Value {
    const value = this.emitter.builder.param(name, type);
    this.weights.set(value.id, source);
    return value;
  }

  /** The value of an attribute of `node`, through the enclosing function's call if it refers to that. */
  attributes(node: NodeProto, scope: Scope): ReadonlyMap<string, AttributeProto> {
    const attributes = new Map<string, AttributeProto>();
    for (const own of node.attribute ?? []) {
      if (attributes.has(own.name)) {
        throw new PipewrightError(
          "MODEL_MALFORMED",
          `${describe(node)}: attribute ${formatName(own.name)} is given twice.`,
        );
      }
      const given = own.ref_attr_name ? scope.attribute(own.ref_attr_name) : own;
      if (given) attributes.set(own.name, given === own ? own : changed(given, { name: own.name }));
    }
    return attributes;
  }

  /** Sparse tensors are constants: there is no place in the file for trained values. */
  #sparseInitializer(sparse: SparseTensorProto, scope: Scope): void {
    const name = sparse.values?.name ?? "";
    const where = `sparse initializer ${formatName(name)}`;
    if (scope.hasOwn(name))
      throw new PipewrightError("MODEL_MALFORMED", `${where}: the name is taken already.`, { value: name });
    scope.bindLazily(name, () => this.emitter.literal(sparseLiteral(sparse, where)));
  }

  #initializer(tensor: TensorProto, position: number, scope: Scope): void {
    const name = tensor.name ?? "";
    const where = `initializer ${formatName(name)}`;
    if (name === "") {
      const place = `graph.initializer[${position}]`;
      throw new PipewrightError("MODEL_MALFORMED", `${place}: it has no name. Name every initializer.`);
    }
    if (scope.hasOwn(name))
      throw new PipewrightError("MODEL_MALFORMED", `${where}: the name is taken already.`, { value: name });
    scope.bindLazily(name, () => {
      const type = tensorType(tensor, where);
      const small = elementCount(type.shape) <= this.limits.foldedElements;
      if (type.dtype === "string" || (!isFloat(type.dtype) && small && !isExternal(tensor))) {
        const value = this.emitter.literal(tensorLiteral(tensor, where));
        this.name(value, name, scope);
        return value;
      }
      return this.param(scope.prefix + name, trainingType(type), weightSource(tensor, type, where));
    });
  }

  /** Bodies of functions and loops are lowered many times, and sorted once. */
  #sorted(nodes: readonly NodeProto[]): readonly NodeProto[] {
    const known = this.#order.get(nodes);
    if (known) return known;
    const sorted = sortNodes(nodes);
    this.#order.set(nodes, sorted);
    return sorted;
  }

  /** @throws LIMIT_EXCEEDED when so many more nodes of functions and loops are past the limit, before any is lowered. */
  expectNodes(count: number): void {
    const added = this.#lowered + count - this.nodesInFile;
    const { expandedNodes } = this.limits;
    if (added > expandedNodes)
      throw overLimit("expandedNodes", "number of nodes that functions and loops add", added, expandedNodes);
  }

  #lowerNode(node: NodeProto, scope: Scope): void {
    this.expectNodes(1);
    this.#lowered++;
    const inputs = (node.input ?? []).map((name) =>
      name === "" || scope.isAbsent(name) ? undefined : this.lookup(name, scope, describe(node)),
    );
    const outputs = this.#lowerSafely({ node, scope, inputs });
    for (const [position, name] of (node.output ?? []).entries()) {
      if (name === "") continue;
      if (scope.hasOwn(name)) {
        throw new PipewrightError(
          "MODEL_MALFORMED",
          `${describe(node)}: makes ${formatName(name)}, which exists already.`,
        );
      }
      const bound = outputs ? outputs[position] : UNKNOWN;
      if (bound) {
        scope.bind(name, bound);
        if (isTensor(bound)) this.name(bound, name, scope);
      } else {
        scope.bindLazily(name, () => {
          throw unsupportedNode(
            `${describe(node)}: its output ${position}, ${formatName(name)}, is read but not supported.`,
          );
        });
      }
    }
  }

  /** The outputs of a node; undefined after its problem is noted, or when it reads what such a node makes. */
  #lowerSafely(site: CallSite): readonly (Bound | undefined)[] | undefined {
    const { node, scope, inputs } = site;
    const domain = domainOf(node);
    const where = { node: scope.prefix + nodeName(node), op: node.op_type };
    if (node.op_type === "") throw new PipewrightError("MODEL_MALFORMED", `${describe(node)}: it names no operator.`);
    const call = this.functions.get(functionKey(domain, node.op_type, node.overload ?? ""));
    const structural = domain === "" ? STRUCTURAL.get(node.op_type) : undefined;
    const supported = call ?? structural ?? this.#isKnown(domain, node.op_type);
    if (!supported) {
      this.problems.add({
        ...where,
        reason: unknownOperator(node.op_type, domain, this.problems.isLong ? [] : knownOps(domain)),
      });
      return undefined;
    }
    if (inputs.some((bound) => bound && isUnknown(bound))) return undefined;
    this.emitter.namePrefix(`${scope.prefix}${nodeName(node)}/`);
    try {
      if (call) return allOutputs(node, call(this, site));
      const opset = scope.opsets.get("") ?? 1;
      if (domain === "") {
        checkSignature(node, opset);
        checkInputTypes(node, opset, inputs);
      }
      if (structural) return allOutputs(node, structural(this, site));
      const made = this.#lowerPlain(site, domain);
      if (domain === "") checkSameTypes(node, opset, inputs);
      return made;
    } catch (error) {
      if (!(error instanceof PipewrightError)) throw error;
      if (error.code !== "MODEL_UNSUPPORTED") throw withNode(error, site);
      this.problems.add({ ...where, reason: withoutOwnName(error, node) });
      return undefined;
    }
  }

  #isKnown(domain: string, op: string): boolean {
    const key = keyOf({ domain, op });
    if (DECOMPOSITIONS.has(key) || UPGRADES.has(key)) return true;
    const def = opDef(op);
    return def !== undefined && (def.domain ?? "") === domain;
  }

  /** A node of plain tensors: upgraded, then decomposed if the IR has no such op. */
  #lowerPlain({ node, scope, inputs }: CallSite, domain: string): readonly (Value | undefined)[] {
    let source: SourceNode = {
      op: node.op_type,
      domain,
      version: scope.opsets.get(domain) ?? 1,
      name: scope.prefix + nodeName(node),
      inputs: inputs.map((bound, position) => {
        if (bound && !isTensor(bound)) throw notATensor(node.input![position]!);
        return bound;
      }),
      attrs: this.#attrValues(node, scope),
      outputs: (node.output ?? []).map((name) => name !== ""),
    };
    const fault = domain === "" ? attributeFault(source.op, source.attrs) : undefined;
    if (fault) throw malformedNode(source, fault);
    for (const { until, apply } of UPGRADES.get(keyOf(source)) ?? []) {
      if (source.version < until) source = apply(this.emitter, source);
    }
    source = inTrainingPrecision(this.emitter, source, (to) => void this.casts.push(to));
    const simple = SIMPLIFICATIONS.get(keyOf(source))?.(this.emitter, source);
    if (simple) return simple;
    const def = opDef(source.op);
    if (def && (def.domain ?? "") === source.domain) return this.#emitAsIs(source, node.name ?? "");
    const decompose = DECOMPOSITIONS.get(keyOf(source));
    if (decompose) return decompose(this.emitter, source);
    throw unsupportedNode(unknownOperator(source.op, source.domain, knownOps(domain)));
  }

  #emitAsIs(source: SourceNode, name: string): readonly (Value | undefined)[] {
    const { attributes, running } = opDef(source.op)!;
    for (const [key, value] of source.attrs) {
      const field = attributes[key];
      if (!field) throw unsupportedNode(`attribute ${formatName(key)} is not supported; got ${String(value)}.`);
      if (!fitsKind(value, field.kind)) {
        throw malformedNode(source, `attribute "${key}" is wrong; got ${String(value)}, expected ${field.kind}`);
      }
    }
    const fixed = COMPILE_TIME_INPUTS.get(source.op) ?? [];
    const settings = SETTING_INPUTS.get(source.op) ?? [];
    const inputs = source.inputs.map((value, position) => {
      const isSetting = value && settings.includes(position) && this.weights.has(value.id);
      if (!value || !(isSetting || fixed.includes(position))) return value;
      const known = this.emitter.known(value);
      return known.literal && isListInput(source.op, position) && known.literal.shape.length === 0
        ? this.emitter.literal({ ...known.literal, shape: [1] })
        : known;
    });
    const outputs = this.emitter.apply(source.op, inputs, Object.fromEntries(source.attrs), {
      name: name === "" ? "" : source.name,
      outputs: source.outputs,
    });
    for (const { input, output } of running?.statistics ?? []) {
      const [param, next] = [inputs[input], source.outputs[output] ? outputs[output] : undefined];
      if (param && next && this.weights.has(param.id)) this.emitter.builder.state(param, next);
    }
    return outputs;
  }

  #attrValues(node: NodeProto, scope: Scope): ReadonlyMap<string, AttrValue> {
    const values = new Map<string, AttrValue>();
    for (const [name, attribute] of this.attributes(node, scope)) {
      const value = attributeValue(attribute, describe(node));
      if (value === undefined) throw unsupportedNode(`attribute "${name}" holds a graph, a type or a sparse tensor.`);
      values.set(name, value);
    }
    return values;
  }
}

/** The domain of a node, "" for ai.onnx by either of its names. */
export function domainOf(node: { readonly domain?: string }): string {
  return node.domain === "ai.onnx" ? "" : (node.domain ?? "");
}

/** The name under which a function is called. */
export function functionKey(domain: string, name: string, overload: string): string {
  return `${domain}\n${name}\n${overload}`;
}

/** Outputs of a function or an inner graph. @throws MODEL_MALFORMED when the node has more. */
function allOutputs<T>({ output = [] }: NodeProto, made: readonly T[]): readonly T[] {
  const given = output.findLastIndex((name) => name !== "") + 1;
  if (given <= made.length) return made;
  throw new PipewrightError(
    "MODEL_MALFORMED",
    `it has too many outputs; got ${given}, expected at most ${made.length}. Remove the others.`,
  );
}

/** An error that says which node it is about. */
function withNode(error: PipewrightError, { node, scope }: CallSite): PipewrightError {
  if (error.details.limit !== undefined || error.details.node !== undefined || error.message.startsWith("node ")) {
    return error;
  }
  const details = { ...error.details, node: scope.prefix + nodeName(node), op: node.op_type };
  return new PipewrightError(error.code, `${describe(node)}: ${error.message}`, details);
}

/** The message of an error without the name of the node, where a list gives it anyway. */
function withoutOwnName({ message, details }: PipewrightError, node: NodeProto): string {
  const prefix = `node ${String(details.node)} (${node.op_type}): `;
  return details.op === node.op_type && message.startsWith(prefix) ? message.slice(prefix.length) : message;
}

function keyOf({ domain, op }: Pick<SourceNode, "domain" | "op">): string {
  return domain === "" ? op : `${domain}.${op}`;
}

/** Operators of a domain, by name. */
function knownOps(domain: string): readonly string[] {
  const all = domain === "" ? [...opNames(), ...STRUCTURAL.keys()] : [];
  const prefix = domain === "" ? "" : `${domain}.`;
  const composite = [...DECOMPOSITIONS.keys()].filter(
    (key) => key.startsWith(prefix) && !key.slice(prefix.length).includes("."),
  );
  return [...new Set([...all, ...composite.map((key) => key.slice(prefix.length))])];
}
