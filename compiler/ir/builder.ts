/** @file Builds a Graph node by node, inferring the type of every value. The op table is passed in, so that ops may emit. */
import { PipewrightError } from "../errors.js";
import type { AttrField, Emitter, OpTable } from "../ops/define.js";
import type { OpAttrs, OpType } from "../ops/types.js";
import type { FreeIds } from "./fresh.js";
import { freeIds, uniqueName } from "./fresh.js";
import type { DType, Graph, Literal, Node, StateUpdate, TensorType, Value, ValueId } from "./graph.js";
import { int64Literal, literalOf } from "./literal.js";

/** Where a builder goes on, when it extends a graph that exists. */
export interface BuilderStart extends FreeIds {
  /** Names already taken. */
  readonly names: Iterable<string>;
}

/** Attributes of every node whose op has none: one object, for graphs can have very many nodes. */
const NO_ATTRS: Readonly<Record<never, never>> = Object.freeze({});

/** How `GraphBuilder.node` names what it makes. */
export interface NodeNames {
  readonly name?: string;
  /** Wanted name of each output; undefined leaves an optional output out. */
  readonly outputs: readonly (string | undefined)[];
}

/**
 * Appends inputs, parameters and nodes in topological order.
 * Ensures: value names and node names are unique; every value has the type its op's shape rule gives.
 */
export class GraphBuilder implements Emitter {
  readonly #ops: OpTable;
  readonly #inputs: Value[] = [];
  readonly #params: Value[] = [];
  readonly #nodes: Node[] = [];
  readonly #makers = new Map<ValueId, Node>();
  readonly #states: StateUpdate[] = [];
  readonly #valueNames: Set<string>;
  readonly #nodeNames = new Set<string>();
  readonly #integerLiterals = new Map<string, Value>();
  #nextValueId: number;
  #nextNodeId: number;
  /** Prefix of the names of nodes and values that get none. */
  prefix = "";

  constructor(ops: OpTable, start: BuilderStart = { nextValueId: 0, nextNodeId: 0, names: [] }) {
    this.#ops = ops;
    this.#nextValueId = start.nextValueId;
    this.#nextNodeId = start.nextNodeId;
    this.#valueNames = new Set(start.names);
  }

  /** Nodes appended so far. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  input(name: string, type: TensorType): Value {
    const value = this.value(name, type);
    this.#inputs.push(value);
    return value;
  }

  param(name: string, type: TensorType): Value {
    const value = this.value(name, type);
    this.#params.push(value);
    return value;
  }

  /** Declares that each forward run replaces `param` by `next`. */
  state(param: Value, next: Value): void {
    this.#states.push({ param, next });
  }

  emit<K extends OpType>(op: K, inputs: readonly (Value | undefined)[], attrs: Partial<OpAttrs[K]> = {}): Value {
    return this.emitMany(op, inputs, 1, attrs)[0]!;
  }

  emitMany<K extends OpType>(
    op: K,
    inputs: readonly (Value | undefined)[],
    outputs: number,
    attrs: Partial<OpAttrs[K]> = {},
  ): readonly Value[] {
    const node = this.node(op, inputs, attrs, { outputs: Array.from({ length: outputs }, () => "") });
    return node.outputs.map((value) => value!);
  }

  /**
   * Appends a node with chosen names. An empty name asks for a fresh one. Outputs that the op keeps are added.
   * @throws PipewrightError as the op's shape rule does, with the node's name in front.
   */
  node<K extends OpType>(
    op: K,
    inputs: readonly (Value | undefined)[],
    attrs: Partial<OpAttrs[K]>,
    names: NodeNames,
  ): Node<K> {
    const def = this.#ops[op];
    const id = this.#nextNodeId++;
    const name = uniqueName(this.#nodeNames, names.name || `${this.prefix}${op}_${id}`);
    const filled = fillAttrs(op, name, def.attributes, attrs);
    const types = inferAt(name, op, () => def.infer(inputs, filled, names.outputs.length));
    const wanted = withKeptOutputs(names.outputs, Math.min(def.keptOutputs ?? 0, types.length));
    if (types.length < wanted.length) {
      throw new PipewrightError(
        "MODEL_MALFORMED",
        `node ${name} (${op}): it has too many outputs; got ${wanted.length}, expected at most ${types.length}.`,
        { node: name, op },
      );
    }
    const outputs = wanted.map((own, index) =>
      own === undefined ? undefined : this.value(own || `${name}_${index}`, types[index]!),
    );
    const node = { id, name, op, inputs: [...inputs], outputs, attrs: filled } as unknown as Node<K>;
    this.#push(node as Node);
    return node;
  }

  maker({ id }: Value): Node | undefined {
    return this.#makers.get(id);
  }

  /** A fresh value: an output of a node that is made elsewhere. */
  value(name: string, type: TensorType): Value {
    return { id: this.#nextValueId++, name: uniqueName(this.#valueNames, name), type };
  }

  /** Appends a node made elsewhere whose values this builder has seen or takes over. */
  append(node: Node): void {
    this.#push(node);
    this.#nodeNames.add(node.name);
    this.#nextNodeId = Math.max(this.#nextNodeId, node.id + 1);
    for (const value of node.outputs) if (value) this.#adopt(value);
  }

  /** Takes over an input of another graph. */
  adoptInput(value: Value): void {
    this.#inputs.push(value);
    this.#adopt(value);
  }

  /** Takes over a parameter of another graph. */
  adoptParam(value: Value): void {
    this.#params.push(value);
    this.#adopt(value);
  }

  literal(literal: Literal, name = ""): Value {
    const type = { dtype: literal.dtype, shape: literal.shape };
    return { ...this.value(name || `${this.prefix}literal_${this.#nextValueId}`, type), literal };
  }

  int64s(numbers: readonly number[]): Value {
    const key = numbers.join(",");
    const known = this.#integerLiterals.get(key);
    if (known) return known;
    const value = this.literal(int64Literal(numbers));
    this.#integerLiterals.set(key, value);
    return value;
  }

  scalar(number: number, dtype: DType): Value {
    return this.literal(literalOf(dtype, [], [number]));
  }

  build(name: string, outputs: readonly Value[]): Graph {
    return {
      name,
      inputs: [...this.#inputs],
      params: [...this.#params],
      nodes: [...this.#nodes],
      outputs: [...outputs],
      states: [...this.#states],
    };
  }

  #push(node: Node): void {
    this.#nodes.push(node);
    for (const value of node.outputs) if (value) this.#makers.set(value.id, node);
  }

  #adopt(value: Value): void {
    this.#valueNames.add(value.name);
    this.#nextValueId = Math.max(this.#nextValueId, value.id + 1);
  }
}

/** A builder that goes on where `graph` ends: same inputs, parameters, nodes and states. */
export function extend(ops: OpTable, graph: Graph): GraphBuilder {
  const names: string[] = [];
  for (const node of graph.nodes) for (const value of node.inputs) if (value?.literal) names.push(value.name);
  const builder = new GraphBuilder(ops, { ...freeIds(graph), names });
  for (const value of graph.inputs) builder.adoptInput(value);
  for (const value of graph.params) builder.adoptParam(value);
  for (const node of graph.nodes) builder.append(node);
  for (const { param, next } of graph.states) builder.state(param, next);
  return builder;
}

/** The wanted outputs, and fresh ones for those of the first `kept` that are left out. */
function withKeptOutputs(wanted: NodeNames["outputs"], kept: number): NodeNames["outputs"] {
  if (kept === 0) return wanted;
  return Array.from({ length: Math.max(wanted.length, kept) }, (_, at) => wanted[at] ?? (at < kept ? "" : undefined));
}

/** Gives every attribute that is left out its fallback. @throws MODEL_MALFORMED when a required one is missing. */
function fillAttrs<K extends OpType>(op: K, name: string, fields: object, given: Partial<OpAttrs[K]>): OpAttrs[K] {
  const entries = Object.entries(fields) as [string, AttrField<unknown>][];
  if (entries.length === 0) return NO_ATTRS as OpAttrs[K];
  const filled: Record<string, unknown> = {};
  for (const [key, field] of entries) {
    const value = (given as Readonly<Record<string, unknown>>)[key] ?? field.fallback;
    if (value === undefined && field.required) {
      throw new PipewrightError(
        "MODEL_MALFORMED",
        `node ${name} (${op}): attribute "${key}" is missing and has no default.`,
        { node: name, op },
      );
    }
    if (value !== undefined) filled[key] = value;
  }
  return filled as OpAttrs[K];
}

/** Runs a shape rule and puts the node in front of the message of what it throws. */
function inferAt(name: string, op: OpType, infer: () => readonly TensorType[]): readonly TensorType[] {
  try {
    return infer();
  } catch (error) {
    if (!(error instanceof PipewrightError)) throw error;
    throw new PipewrightError(error.code, `node ${name} (${op}): ${error.message}`, {
      ...error.details,
      node: name,
      op,
    });
  }
}
