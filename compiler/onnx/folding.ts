/**
 * @file Emission with constant folding: what all of the import emits through. Shape arithmetic vanishes here, since
 * shapes are static and every op that computes on literals is evaluated by its own `fold`.
 */
import { PipewrightError } from "../errors.js";
import type { DType, Literal, Node, TensorType, Value, ValueId } from "../ir/graph.js";
import { GraphBuilder } from "../ir/builder.js";
import { checkedElementCount } from "../ir/checked.js";
import { elementCount } from "../ir/literal.js";
import type { AttrFields, OpDef, RunningStatistic } from "../ops/define.js";
import { OPS } from "../ops/registry.js";
import type { OpAttrs, OpType } from "../ops/types.js";
import type { ModelLimits } from "./limits.js";
import { overLimit } from "./limits.js";
import type { ImportEmitter } from "./source.js";
import { unsupportedNode } from "./source.js";
import { elementsFromBytes } from "./tensor-data.js";
import type { WeightSource } from "./weights.js";
import { weightBytes } from "./weights.js";

/** An op's definition with its types forgotten, for code that handles all ops alike. */
export interface AnyOpDef {
  readonly attributes: AttrFields<Readonly<Record<string, unknown>>>;
  readonly domain?: string;
  readonly infer: (x: readonly (Value | undefined)[], attrs: object, outputs: number) => readonly TensorType[];
  readonly running?: { readonly statistics: readonly RunningStatistic[] };
  readonly fold?: (
    x: readonly (Literal | undefined)[],
    attrs: object,
    y: readonly TensorType[],
  ) => readonly Literal[] | undefined;
}

/** The definition of an op of the IR by name; undefined when there is none. */
export function opDef(op: string): AnyOpDef | undefined {
  return Object.hasOwn(OPS, op) ? (OPS[op as OpType] as OpDef<OpType> as unknown as AnyOpDef) : undefined;
}

/** Names of all ops of the IR. */
export function opNames(): readonly string[] {
  return Object.keys(OPS);
}

/** Nodes that a node of the file becomes at most on average, when it is a composite operator without recurrence. */
const COMPOSITE_NODES = 16;

/** Appends nodes to the graph under construction, or evaluates them when all they read is known and small. */
export class FoldingEmitter implements ImportEmitter {
  readonly #builder = new GraphBuilder(OPS);
  readonly #limits: ModelLimits;
  readonly #nodesInFile: number;
  readonly #weights: Map<ValueId, WeightSource>;
  readonly #producers = new Map<ValueId, Node>();
  readonly #constants = new Map<ValueId, Value | undefined>();
  #foldedElements = 0;

  constructor(limits: ModelLimits, weights: Map<ValueId, WeightSource>, nodesInFile = 0) {
    this.#nodesInFile = nodesInFile;
    this.#limits = limits;
    this.#weights = weights;
  }

  get builder(): GraphBuilder {
    return this.#builder;
  }

  /** Sets what the names of nodes start with from here on. */
  namePrefix(prefix: string): void {
    this.#builder.prefix = prefix;
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
    const made = this.apply(op, inputs, attrs, { name: "", outputs: Array.from({ length: outputs }, () => true) });
    return made.map((value) => value!);
  }

  /**
   * A node by the name of its op, or its folded value.
   * @throws MODEL_UNSUPPORTED when the IR has no such op; LIMIT_EXCEEDED; what the shape rule throws.
   */
  apply(
    op: string,
    inputs: readonly (Value | undefined)[],
    attrs: object,
    names: { readonly name: string; readonly outputs: readonly boolean[] },
  ): readonly (Value | undefined)[] {
    const def = opDef(op);
    if (!def) throw unsupportedNode(`it needs the operator ${op}, which is not supported.`);
    const given = inputs.slice(0, inputs.findLastIndex((value) => value !== undefined) + 1);
    const node = this.#builder.node(op as OpType, given, singlePrecision(def, attrs), {
      name: names.name,
      outputs: names.outputs.map((wanted) => (wanted ? "" : undefined)),
    }) as Node;
    this.#check(node);
    const folded = this.#fold(node, def, this.#limits.foldedElements);
    if (folded) return folded;
    for (const value of node.outputs) if (value) this.#producers.set(value.id, node);
    return node.outputs;
  }

  maker({ id }: Value): Node | undefined {
    return this.#producers.get(id);
  }

  /** True for a value that a node makes or a literal: one that may be renamed. */
  isMade(value: Value): boolean {
    return value.literal !== undefined || this.#producers.has(value.id);
  }

  /** The same elements as another value. */
  copy(value: Value): Value {
    if (value.literal) return this.#builder.literal(value.literal);
    const node = this.#builder.node("Identity", [value], {}, { outputs: [""] });
    this.#producers.set(node.outputs[0]!.id, node);
    return node.outputs[0]!;
  }

  literal(literal: Literal): Value {
    return this.#builder.literal(literal);
  }

  int64s(numbers: readonly number[]): Value {
    return this.#builder.int64s(numbers);
  }

  scalar(number: number, dtype: DType): Value {
    return this.#builder.scalar(number, dtype);
  }

  constant(value: Value | undefined): Literal | undefined {
    return value && this.known(value).literal;
  }

  known(value: Value): Value {
    if (value.literal) return value;
    if (this.#constants.has(value.id)) return this.#constants.get(value.id) ?? value;
    this.#constants.set(value.id, undefined);
    const found = this.#fromWeight(value) ?? this.#fromProducer(value);
    this.#constants.set(value.id, found);
    return found ?? value;
  }

  /** A parameter whose bytes are at hand, as a literal. */
  #fromWeight(value: Value): Value | undefined {
    const source = this.#weights.get(value.id);
    if (!source || source.kind === "external" || value.type.dtype === "string") return undefined;
    if (!this.#afford(value.type)) return undefined;
    const elements = elementsFromBytes(value.type.dtype, weightBytes(source, value.type));
    return this.#builder.literal({ ...value.type, elements });
  }

  /** Evaluates the node that makes the value, and what that one needs, whatever its size within the limit for all. */
  #fromProducer(value: Value): Value | undefined {
    const node = this.#producers.get(value.id);
    const def = node && opDef(node.op);
    if (!node || !def?.fold) return undefined;
    const inputs = node.inputs.map((input) => input && this.known(input));
    if (inputs.some((input) => input && !input.literal)) return undefined;
    const folded = this.#fold({ ...node, inputs } as Node, def, Infinity);
    return folded?.[node.outputs.findIndex((output) => output?.id === value.id)];
  }

  #fold(node: Node, def: AnyOpDef, limit: number): readonly (Value | undefined)[] | undefined {
    if (!def.fold || node.inputs.some((value) => value && !value.literal)) return undefined;
    const types = def.infer(node.inputs, node.attrs, node.outputs.length);
    if (types.some((type) => elementCount(type.shape) > limit) || !types.every((type) => this.#afford(type))) {
      return undefined;
    }
    const literals = def.fold(
      node.inputs.map((value) => value?.literal),
      node.attrs,
      types,
    );
    return literals && node.outputs.map((value, position) => value && this.#builder.literal(literals[position]!));
  }

  #afford(type: TensorType): boolean {
    const after = this.#foldedElements + elementCount(type.shape);
    if (after > this.#limits.foldedElementsInAll) return false;
    this.#foldedElements = after;
    return true;
  }

  expectNodes(count: number): void {
    const { expandedNodes } = this.#limits;
    const added = this.#builder.nodes.length + count - COMPOSITE_NODES * this.#nodesInFile;
    if (added > expandedNodes)
      throw overLimit("expandedNodes", "number of nodes after composite operators are expanded", added, expandedNodes);
  }

  #check(node: Node): void {
    const { axes, tensorElements } = this.#limits;
    this.expectNodes(0);
    for (const value of node.outputs) {
      if (!value) continue;
      const { shape } = value.type;
      if (shape.length > axes) throw overLimit("axes", `axes of an output of node ${node.name}`, shape.length, axes);
      const wrong = shape.find((size) => !(size >= 0 && size < Number.MAX_SAFE_INTEGER && Math.floor(size) === size));
      if (wrong !== undefined) {
        throw new PipewrightError(
          "MODEL_MALFORMED",
          `node ${node.name} (${node.op}): an output has an axis of ${wrong} elements; expected a whole number.`,
          { node: node.name },
        );
      }
      const elements = checkedElementCount(shape);
      if (elements > tensorElements) {
        throw overLimit("tensorElements", `size of an output of node ${node.name}`, elements, tensorElements);
      }
    }
  }
}

/** Attributes with the float ones, defaults included, rounded to what ONNX stores: float32. */
function singlePrecision(def: AnyOpDef, attrs: object): object {
  const rounded: Record<string, unknown> = { ...attrs };
  for (const [name, { kind, fallback }] of Object.entries(def.attributes)) {
    const value = rounded[name] ?? fallback;
    if (kind === "float" && typeof value === "number") rounded[name] = Math.fround(value);
  }
  return rounded;
}

/** The error for a name that stands for no tensor. */
export function notATensor(name: string): PipewrightError {
  return unsupportedNode(`${JSON.stringify(name)} is a sequence or an optional where a tensor is needed.`);
}
