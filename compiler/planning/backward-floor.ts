/**
 * @file What the backward programs of a stage take at least while they run, whatever runs again in them: buffers of their
 * own values, as workspace.ts assigns them in the order in which the engine runs their nodes.
 *
 * [1] Forward nodes that run again read no gradients, so the walk of engine-order.ts comes upon the other nodes in the
 *     order in which it would without them: what is in use then is in use whatever runs again.
 * [2] From the first node of a program that reads a forward value to the last, the value is in memory: made again there,
 *     or kept by the stage, once at least.
 * [3] A buffer is only made when none of its kind is free, and it is held from its first value to its last. So if p of a
 *     kind are in use at some time before a node and q at some time behind it, min(p, q) are held while the node runs: one
 *     that is made in between finds all p in use, else the q were all there.
 *     A value that is kept makes p and q less by one each, and is itself held.
 */
import type { Differentiated } from "../autodiff/differentiated.js";
import type { Node, NodeId, Value, ValueId } from "../ir/graph.js";
import { tensorBytes } from "../ir/literal.js";
import { inputReuse, scratchBytes } from "../ops/kernel-memory.js";
import { roundedBytes } from "../plan/engine-arena.js";
import { shownBy } from "./shown.js";

/** A node of backward passes; the sums of parameters' gradients are among them. */
interface Step {
  /** Node of the instance that it belongs to. */
  readonly own: number;
  readonly isEarly: boolean;
  /** Those that make what it reads, ascending. */
  readonly makers: readonly number[];
  readonly scratch: number;
}

/** A value that a step makes. */
interface Made {
  readonly maker: number;
  readonly readers: readonly number[];
  /** Of its buffer; undefined if it has none of its own for certain. */
  readonly kind: number | undefined;
  /** The value that it is a view of, by place, if that is one of these. */
  readonly viewOf: number | undefined;
  /** It may take the place of what its maker reads. */
  readonly isInPlace: boolean;
}

/** A forward value with all its views. */
interface Stashed {
  readonly kind: number;
  /** Nodes of the instance that make and read it. */
  readonly stage: readonly number[];
  readonly readers: readonly number[];
}

export interface BackwardMode {
  readonly isSplit: boolean;
  /** Whether forward values count, where any may run again: those that are of the stage alone. */
  readonly isAgain: boolean;
}

export class BackwardFloor {
  readonly #steps: readonly Step[];
  readonly #made: readonly Made[];
  readonly #stashed: readonly Stashed[];
  /** By kind of buffer. */
  readonly #bytes: readonly number[];
  /** By step: its program, 0 for none, and its place in the order of that. */
  readonly #program: Uint8Array;
  readonly #place: Int32Array;
  readonly #order: Int32Array;
  readonly #mark: Uint8Array;
  readonly #stack: Int32Array;
  /** By made value: the place of the last reader of its views. */
  readonly #last: Int32Array;
  /** By kind and place: buffers that come into use, less those that go out of it. */
  readonly #change: readonly Int32Array[];
  readonly #held: Float64Array;
  readonly #behind: Int32Array;

  /** Requires: the sums of gradients are nodes. */
  constructor(differentiated: Differentiated, nodeOf: (node: NodeId) => number) {
    const { steps, readers } = stepsOf(differentiated, nodeOf);
    const kinds = new Kinds(differentiated);
    this.#steps = steps;
    this.#made = madeBy(differentiated, readers, kinds);
    this.#stashed = stashedValues(differentiated, readers, kinds, nodeOf);
    this.#bytes = kinds.bytes;
    const count = steps.length;
    this.#program = new Uint8Array(count);
    this.#place = new Int32Array(count);
    this.#order = new Int32Array(count);
    this.#mark = new Uint8Array(count);
    this.#stack = new Int32Array(steps.reduce((sum, { makers }) => sum + makers.length + 2, 0));
    this.#last = new Int32Array(this.#made.length);
    this.#change = kinds.bytes.map(() => new Int32Array(count + 1));
    this.#held = new Float64Array(count);
    this.#behind = new Int32Array(count);
  }

  /** Of a stage by nodes of the instance. Cost: steps times kinds of buffers. */
  liveBytes(isInside: (node: number) => boolean, { isSplit, isAgain }: BackwardMode): number {
    this.#assign(isInside, isSplit);
    const stashed = isAgain ? this.#stashed.filter(({ stage }) => stage.every(isInside)) : [];
    return Math.max(this.#peakOf(1, stashed), isSplit ? this.#peakOf(2, stashed) : 0);
  }

  /** Puts the steps of the stage into programs, as plan/placed.ts does. */
  #assign(isInside: (node: number) => boolean, isSplit: boolean): void {
    const program = this.#program;
    this.#steps.forEach(({ own, isEarly }, at) => {
      program[at] = !isInside(own) ? 0 : !isSplit || isEarly ? 1 : 2;
    });
    if (!isSplit) return;
    const needed = this.#mark.fill(0);
    for (let at = this.#steps.length - 1; at >= 0; at--) {
      if (needed[at] === 1 && program[at] === 2) program[at] = 1;
      if (program[at] === 2) continue;
      for (const maker of this.#steps[at]!.makers) needed[maker] = 1;
    }
  }

  /** Most bytes at once in one program. */
  #peakOf(own: number, stashed: readonly Stashed[]): number {
    const count = this.#run(own);
    const used = new Set<number>();
    const use = (kind: number, begin: number, end: number): void => {
      if (begin > end) return;
      const change = this.#change[kind]!;
      if (!used.has(kind)) change.fill(0, 0, count + 1);
      used.add(kind);
      change[begin]!++;
      change[end + 1]!--;
    };
    const [program, place, last] = [this.#program, this.#place, this.#last.fill(-1)];
    for (let value = this.#made.length - 1; value >= 0; value--) {
      const { maker, readers, kind, viewOf, isInPlace } = this.#made[value]!;
      if (program[maker] !== own || readers.some((reader) => program[reader] !== own)) continue;
      let end = last[value]!;
      for (const reader of readers) end = Math.max(end, place[reader]!);
      if (viewOf !== undefined) last[viewOf] = Math.max(last[viewOf]!, end);
      else if (kind !== undefined) use(kind, place[maker]! + (isInPlace ? 1 : 0), end);
    }
    for (const { readers, kind } of stashed) {
      let [begin, end] = [count, -1];
      for (const reader of readers) {
        if (program[reader] !== own) continue;
        begin = Math.min(begin, place[reader]!);
        end = Math.max(end, place[reader]!);
      }
      use(kind, begin, end);
    }
    const held = this.#held.fill(0);
    for (const kind of used) this.#hold(kind, count);
    let peak = 0;
    for (let at = 0; at < count; at++) peak = Math.max(peak, held[at]! + this.#steps[this.#order[at]!]!.scratch);
    return peak;
  }

  /** Adds what is held of a kind while each step runs. */
  #hold(kind: number, count: number): void {
    const [inUse, behind, held, bytes] = [this.#change[kind]!, this.#behind, this.#held, this.#bytes[kind]!];
    for (let at = 1; at < count; at++) inUse[at]! += inUse[at - 1]!;
    let most = 0;
    for (let at = count - 1; at >= 0; at--) behind[at] = most = Math.max(most, inUse[at]!);
    most = 0;
    for (let at = 0; at < count; at++) {
      most = Math.max(most, inUse[at]!);
      held[at]! += bytes * Math.min(most, behind[at]!);
    }
  }

  /** Places the steps of a program as engine-order.ts does. @returns how many they are. */
  #run(own: number): number {
    const [program, stack, order, place] = [this.#program, this.#stack, this.#order, this.#place];
    const seen = this.#mark.fill(0);
    this.#steps.forEach(({ makers }, at) => {
      if (program[at] === own) for (const maker of makers) seen[maker] = 1;
    });
    let depth = 0;
    for (let at = 0; at < this.#steps.length; at++) if (program[at] === own && seen[at] === 0) stack[depth++] = at;
    seen.fill(0);
    let count = 0;
    while (depth > 0) {
      const entry = stack[--depth]!;
      if (entry < 0) {
        order[count] = -entry - 1;
        place[-entry - 1] = count++;
        continue;
      }
      if (seen[entry] === 1) continue;
      seen[entry] = 1;
      stack[depth++] = -entry - 1;
      for (const maker of this.#steps[entry]!.makers)
        if (program[maker] === own && seen[maker] === 0) stack[depth++] = maker;
    }
    return count;
  }
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
