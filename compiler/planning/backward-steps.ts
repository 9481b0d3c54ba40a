/**
 * @file The backward programs of a model before it is cut: their nodes as steps, and the values that these make and read
 * with the buffers that workspace.ts gives them.
 */
import type { Differentiated } from "../autodiff/differentiated.js";
import type { Node, NodeId, Value, ValueId } from "../ir/graph.js";
import { tensorBytes } from "../ir/literal.js";
import { inputReuse, scratchBytes } from "../ops/kernel-memory.js";
import { roundedBytes } from "../plan/engine-arena.js";
import { shownBy } from "./shown.js";

/** A node of backward passes; the sums of parameters' gradients are among them. */
export interface Step {
  /** Node of the instance that it belongs to. */
  readonly own: number;
  readonly isEarly: boolean;
  /** Those that make what it reads, ascending. */
  readonly makers: readonly number[];
  readonly scratch: number;
}

/** A value that a step makes. */
export interface Made {
  readonly maker: number;
  readonly readers: readonly number[];
  readonly bytes: number;
  /** Of its buffer; undefined if it has none of its own for certain. */
  readonly kind: number | undefined;
  /** The value that it is a view of, by place, if that is one of these. */
  readonly viewOf: number | undefined;
  /** It may take the place of what its maker reads. */
  readonly isInPlace: boolean;
}

/** A forward value with all its views. */
export interface Stashed {
  readonly kind: number;
  /** Nodes of the instance that make and read it. */
  readonly stage: readonly number[];
  readonly readers: readonly number[];
}

export interface BackwardSteps {
  readonly steps: readonly Step[];
  readonly made: readonly Made[];
  readonly stashed: readonly Stashed[];
  /** By kind of buffer. */
  readonly bytes: readonly number[];
}

/**
 * `nodeOf`: the node of the instance that a forward node belongs to. Requires: the sums of gradients are nodes. Linear.
 */
export function backwardSteps(differentiated: Differentiated, nodeOf: (node: NodeId) => number): BackwardSteps {
  const { steps, readers } = stepsOf(differentiated, nodeOf);
  const kinds = new Kinds(differentiated);
  const made = madeBy(differentiated, readers, kinds);
  const stashed = stashedValues(differentiated, readers, kinds, nodeOf);
  return { steps, made, stashed, bytes: kinds.bytes };
}

/** Steps of backward values by who reads them. */
type Readers = ReadonlyMap<ValueId, readonly number[]>;

function stepsOf(
  { graph, owner, phase }: Differentiated,
  nodeOf: (node: NodeId) => number,
): { readonly steps: readonly Step[]; readonly readers: Readers } {
  const nodes = graph.nodes.filter(({ id }) => phase.get(id) !== "F");
  const place = new Map<ValueId, number>();
  nodes.forEach(({ outputs }, at) => outputs.forEach((value) => value && place.set(value.id, at)));
  const readers = new Map<ValueId, number[]>();
  const makersOf = (inputs: readonly (Value | undefined)[], at: number): readonly number[] => {
    const makers = new Set<number>();
    for (const value of inputs) {
      if (!value) continue;
      const list = readers.get(value.id);
      if (!list) readers.set(value.id, [at]);
      else list.push(at);
      const maker = place.get(value.id);
      if (maker !== undefined) makers.add(maker);
    }
    return [...makers].sort((a, b) => a - b);
  };
  const steps = nodes.map((node, at): Step => ({
    own: nodeOf(owner.get(node.id)!),
    isEarly: phase.get(node.id) === "I",
    makers: makersOf(node.inputs, at),
    scratch: scratchBytes(node).reduce((sum, bytes) => sum + roundedBytes(bytes), 0),
  }));
  return { steps, readers };
}

/** Kinds of buffers as workspace.ts tells them apart, numbered. */
class Kinds {
  readonly bytes: number[] = [];
  readonly #known = new Map<string, number>();
  readonly #maker = new Map<ValueId, Node>();

  constructor({ graph }: Differentiated) {
    for (const node of graph.nodes) for (const value of node.outputs) if (value) this.#maker.set(value.id, node);
  }

  /** Undefined for a value that may be in the buffer of one of another kind, and for single elements. */
  of(value: Value, isOwn: (input: Value) => boolean = () => true): number | undefined {
    const { shape } = value.type;
    if (shape.length === 0 || !this.#isOfKind(value, isOwn)) return undefined;
    const key = `${tensorBytes(value.type)} ${shape.join()}`;
    let kind = this.#known.get(key);
    if (kind === undefined) {
      kind = this.bytes.length;
      this.bytes.push(roundedBytes(tensorBytes(value.type)));
      this.#known.set(key, kind);
    }
    return kind;
  }

  /** Whether a value that takes the place of another takes that of one of its own kind. */
  #isOfKind(value: Value, isOwn: (input: Value) => boolean): boolean {
    const node = this.#maker.get(value.id);
    const reuse = node && inputReuse(node, node.outputs.indexOf(value));
    if (!reuse) return true;
    const input = node.inputs[reuse.input];
    if (!input || !this.#maker.has(input.id)) return reuse.how === "in place";
    return reuse.how === "in place" && isOwn(input) && this.#isOfKind(input, isOwn);
  }
}

function madeBy({ graph, phase }: Differentiated, readers: Readers, kinds: Kinds): readonly Made[] {
  const made: Made[] = [];
  const at = new Map<ValueId, number>();
  const nodes = graph.nodes.filter(({ id }) => phase.get(id) !== "F");
  const values = new Set(nodes.flatMap(({ outputs }) => outputs.flatMap((value) => value?.id ?? [])));
  nodes.forEach((node, maker) =>
    node.outputs.forEach((value, output) => {
      if (!value) return;
      const reuse = inputReuse(node, output);
      const shown = reuse?.how === "view" ? node.inputs[reuse.input] : undefined;
      at.set(value.id, made.length);
      made.push({
        maker,
        readers: readers.get(value.id) ?? [],
        bytes: tensorBytes(value.type),
        kind: kinds.of(value, ({ id }) => values.has(id)),
        viewOf: shown && at.get(shown.id),
        isInPlace: reuse !== undefined,
      });
    }),
  );
  return made;
}

/** Those that are as large in a buffer as where they are kept. */
function stashedValues(
  { graph, owner, phase }: Differentiated,
  readers: Readers,
  kinds: Kinds,
  nodeOf: (node: NodeId) => number,
): readonly Stashed[] {
  const maker = new Map<ValueId, Node>();
  const users = new Map<ValueId, Set<number>>();
  for (const node of graph.nodes) {
    const own = nodeOf(owner.get(node.id)!);
    for (const value of node.inputs) if (value) users.get(value.id)?.add(own);
    if (phase.get(node.id) !== "F") continue;
    for (const value of node.outputs) {
      if (!value) continue;
      users.set(value.id, new Set([own]));
      maker.set(value.id, node);
    }
  }
  const outside = new Set(graph.states.map(({ next }) => next.id));
  const found = new Map<ValueId, { readonly root: Value; readonly stage: Set<number>; readonly readers: number[] }>();
  for (const { outputs } of maker.values())
    for (const value of outputs) {
      const own = value && readers.get(value.id);
      const shown = own && shownBy(value, maker);
      if (!shown || shown.some(({ id }) => outside.has(id))) continue;
      const root = shown.at(-1)!;
      const stash = found.get(root.id) ?? { root, stage: new Set(), readers: [] };
      found.set(root.id, stash);
      for (const { id } of shown) for (const user of users.get(id)!) stash.stage.add(user);
      stash.readers.push(...own);
    }
  return [...found.values()].flatMap(({ root, stage, readers: own }) => {
    const bytes = tensorBytes(root.type);
    const kind = roundedBytes(bytes) === bytes ? kinds.of(root) : undefined;
    return kind === undefined ? [] : [{ kind, stage: [...stage], readers: own }];
  });
}
