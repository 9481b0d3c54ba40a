/**
 * @file What stages keep and take at least, from the blocks that they hold alone: for every two ideals of which one holds
 * the other, the stage between them. No stage is linked for it. What a linked stage holds is never less.
 */
import type { NodeId, Value } from "../ir/graph.js";
import { tensorBytes } from "../ir/literal.js";
import { OPS } from "../ops/registry.js";
import { alignedElements, slabsOf } from "../plan/arena.js";
import { withGradientSums } from "../plan/gradient-sums.js";
import { arenaBytes, slabUpdate } from "../plan/memory.js";
import { liveBytes, peakBytes, programMemory } from "../plan/workspace.js";
import type { Lattice } from "../partition/ideals.js";
import { holds } from "../partition/ideals.js";
import type { BackwardMode } from "./backward-floor.js";
import { BackwardFloor } from "./backward-floor.js";
import type { LiveBytes } from "./live-floor.js";
import { LiveFloor } from "./live-floor.js";
import type { ShapeSubject } from "./stage-shape.js";

/** Stages from one ideal on, by place in the list. Bytes. */
export interface FloorRow {
  /** Where they end, the ideal itself first. */
  readonly to: Int32Array;
  /** Parameters that no other stage can own, with all that is kept for them. */
  readonly resident: Float64Array;
  /** Forward values that a later stage reads, and those of them that no backward pass of the stage itself reads. */
  readonly sent: Float64Array;
  readonly sentOnly: Float64Array;
  /** Forward values that the backward pass of the stage reads. */
  readonly stashed: Float64Array;
  /** Gradients that an earlier stage reads. */
  readonly returned: Float64Array;
  /** What programs take while they run, as far as it is known. */
  readonly work: { readonly [K in keyof LiveBytes]: Float64Array };
  /** Gradients that a split backward pass hands from one of its programs to the other, where that was refined. */
  readonly handed: Float64Array;
  /** Elements of slabs of the optimizer, and which of `work` were refined. */
  readonly slabElements: Int32Array;
  readonly isRefined: { readonly [K in keyof LiveBytes]: Uint8Array };
}

/** How a schedule runs a stage. */
export interface FloorFactors {
  /** Slots of what is sent and returned, and of what is stashed: 0 where some of it may run again. */
  readonly sent: number;
  readonly returned: number;
  readonly stashed: number;
  /** Slots of what is handed on within the stage; 0 where its backward pass is whole. */
  readonly handed: number;
  readonly live: keyof LiveBytes;
}

/** What stages of a row keep, and what they take while they run. */
export interface FloorColumns {
  readonly kept: Float64Array;
  readonly work: Float64Array;
}

/** A value with the nodes of the instance that make and read it. */
interface Flow {
  readonly bytes: number;
  readonly isForward: boolean;
  readonly maker: number;
  readonly readers: readonly number[];
  /** Those of a forward value in backward passes. */
  readonly backward: readonly number[];
}

export class StageFloors {
  readonly lattice: Lattice;
  readonly #subject: ShapeSubject;
  readonly #live: LiveFloor;
  readonly #backward: BackwardFloor;
  #refined = 0;
  /** By node of the instance: values that it makes or reads. */
  readonly #flows: readonly (readonly Flow[])[];
  /** By group of the optimizer and node: elements of trained parameters; bytes of the others. */
  readonly #elements: readonly Float64Array[];
  readonly #frozen: Float64Array;
  readonly #rows: (FloorRow | undefined)[];
  readonly #kept = new Map<string, KeptRows>();
  readonly #updates = new Map<number, SlabUpdate>();

  constructor(subject: ShapeSubject, lattice: Lattice, size: number, nodeOf: (node: NodeId) => number) {
    this.lattice = lattice;
    this.#subject = subject;
    const summed = withGradientSums(subject.differentiated, OPS);
    this.#live = new LiveFloor(summed, nodeOf);
    this.#backward = new BackwardFloor(summed.differentiated, nodeOf);
    this.#rows = Array.from({ length: lattice.count }, () => undefined);
    this.#flows = flowsOf(subject, size, nodeOf);
    const { parameterGrads, graph } = subject.differentiated;
    const groupOf = new Map<number | undefined, Float64Array>();
    for (const { of, owner } of parameterGrads) {
      const group = subject.groups.get(of.name);
      if (!groupOf.has(group)) groupOf.set(group, new Float64Array(size));
      groupOf.get(group)![nodeOf(owner)]! += alignedElements(of.type.shape);
    }
    this.#elements = [...groupOf.values()];
    this.#frozen = new Float64Array(size);
    const trained = new Set(parameterGrads.map(({ of }) => of.id));
    for (const param of graph.params) {
      const readers = new Set(subject.readersOf(param.id).map(nodeOf));
      const [only] = readers;
      if (!trained.has(param.id) && readers.size === 1) this.#frozen[only!]! += tensorBytes(param.type);
    }
  }

  /** Cost: that of the covers above the ideal, with what the nodes there read. */
  row(from: number): FloorRow {
    return (this.#rows[from] ??= this.#rowOf(from));
  }

  /** The row as a schedule runs its stages. */
  columns(from: number, { sent, returned, stashed, handed, live }: FloorFactors): FloorColumns {
    const key = `${sent} ${returned} ${stashed} ${handed}`;
    const known = this.#kept.get(key) ?? { handed, rows: [] };
    this.#kept.set(key, known);
    const row = this.row(from);
    const kept = (known.rows[from] ??= row.resident.map((bytes, at) => {
      const rings = stashed > 0 ? row.stashed[at]! * stashed + row.sentOnly[at]! * sent : row.sent[at]! * sent;
      return bytes + rings + row.returned[at]! * returned + row.handed[at]! * handed;
    }));
    return { kept, work: row.work[live] };
  }

  /**
   * Raises what a stage of the row is known to keep and its programs to take, unless that was done for too many; cost: see
   * backward-floor.ts. @returns whether either was raised.
   */
  refine(from: number, at: number, live: keyof LiveBytes): boolean {
    const row = this.row(from);
    const { to, work, slabElements, isRefined } = row;
    if (isRefined[live][at] === 1 || this.#refined >= MOST_REFINED) return false;
    isRefined[live][at] = 1;
    this.#refined++;
    const end = to[at]!;
    const isInside = (node: number): boolean => holds(this.lattice, end, node) && !holds(this.lattice, from, node);
    const { liveBytes: bytes, handedBytes } = this.#backward.of(isInside, MODES[live]);
    const isHandedMore = this.#hand(from, at, handedBytes);
    const known = work[live][at]!;
    work[live][at] = Math.max(known, this.#workOf(slabElements[at]!, bytes));
    return isHandedMore || work[live][at]! > known;
  }

  /** Counts what a stage hands on among what it keeps, once. @returns whether that was raised. */
  #hand(from: number, at: number, bytes: number): boolean {
    const more = bytes - this.row(from).handed[at]!;
    if (more <= 0) return false;
    this.row(from).handed[at] = bytes;
    for (const { handed, rows } of this.#kept.values()) if (rows[from]) rows[from][at]! += more * handed;
    return true;
  }

  /** With the update of slabs of so many elements. */
  #workOf(slabElements: number, live: number): number {
    const update = slabElements > 0 ? this.#updateOf(slabElements) : NO_UPDATE;
    return Math.max(update.liveBytes, update.apartBytes + live);
  }

  #rowOf(from: number): FloorRow {
    const { covers } = this.lattice;
    const at = new Map<number, number>([[from, 0]]);
    const to = [from];
    const steps: (readonly [before: number, node: number])[] = [[0, -1]];
    for (let index = 0; index < to.length; index++)
      for (let c = covers.start[to[index]!]!; c < covers.start[to[index]! + 1]!; c += 2) {
        const next = covers.entries[c + 1]!;
        if (at.has(next)) continue;
        at.set(next, to.length);
        to.push(next);
        steps.push([index, covers.entries[c]!]);
      }
    const columns = () => new Float64Array(to.length);
    const [sent, sentOnly, stashed, returned] = [columns(), columns(), columns(), columns()];
    const [handed, resident] = [columns(), columns()];
    const live = { whole: columns(), split: columns(), wholeAgain: columns(), splitAgain: columns() };
    const work = { whole: columns(), split: columns(), wholeAgain: columns(), splitAgain: columns() };
    const flags = () => new Uint8Array(to.length);
    const isRefined = { whole: flags(), split: flags(), wholeAgain: flags(), splitAgain: flags() };
    const slabElements = new Int32Array(to.length);
    const frozen = columns();
    const elements = this.#elements.map(columns);
    for (let index = 1; index < to.length; index++) {
      const [before, node] = steps[index]!;
      const [ideal, smaller] = [to[index]!, to[before]!];
      for (const list of [sent, sentOnly, stashed, returned]) list[index] = list[before]!;
      for (const flow of this.#flows[node]!)
        for (const [end, sign] of [[smaller, -1] as const, [ideal, 1] as const]) {
          const kind = this.#kindOf(flow, from, end);
          if (kind === undefined) continue;
          const bytes = sign * flow.bytes;
          if (kind === "returned") returned[index]! += bytes;
          if (kind === "sent" || kind === "sent and stashed") sent[index]! += bytes;
          if (kind === "sent") sentOnly[index]! += bytes;
          if (kind === "stashed" || kind === "sent and stashed") stashed[index]! += bytes;
        }
      frozen[index] = frozen[before]! + this.#frozen[node]!;
      elements.forEach((list, group) => (list[index] = list[before]! + this.#elements[group]![node]!));
      const isInside = (other: number): boolean =>
        holds(this.lattice, ideal, other) && !holds(this.lattice, from, other);
      const added = this.#live.added(node, isInside);
      const sections = elements.flatMap((list) => (list[index]! > 0 ? [list[index]!] : []));
      const slabs = sections.length > 0 ? slabsOf(sections) : undefined;
      resident[index] = frozen[index]! + (slabs ? arenaBytes(slabs, this.#subject.optimizer) : 0);
      slabElements[index] = slabs?.slabElements ?? 0;
      for (const kind of LIVE_KINDS) {
        live[kind][index] = Math.max(live[kind][before]!, added[kind]);
        work[kind][index] = this.#workOf(slabElements[index]!, live[kind][index]!);
      }
    }
    return {
      to: Int32Array.from(to),
      resident,
      sent,
      sentOnly,
      stashed,
      returned,
      handed,
      work,
      slabElements,
      isRefined,
    };
  }

  /** What a value is to the stage between two ideals. */
  #kindOf({ isForward, maker, readers, backward }: Flow, from: number, to: number) {
    const { lattice } = this;
    if (holds(lattice, from, maker) || !holds(lattice, to, maker)) return undefined;
    if (!isForward) return readers.some((node) => holds(lattice, from, node)) ? "returned" : undefined;
    const isSent = readers.some((node) => !holds(lattice, to, node));
    const isStashed = backward.some((node) => holds(lattice, to, node) && !holds(lattice, from, node));
    return isSent ? (isStashed ? "sent and stashed" : "sent") : isStashed ? "stashed" : undefined;
  }

  #updateOf(elements: number): SlabUpdate {
    let known = this.#updates.get(elements);
    if (!known) {
      const memory = programMemory(slabUpdate(elements, this.#subject.optimizer, OPS));
      const slabs = memory.buffers.filter(({ bytes }) => bytes > this.#live.largestBytes);
      known = {
        liveBytes: liveBytes([memory]),
        apartBytes: peakBytes({ buffers: slabs, scratch: memory.scratch.map(() => []) }),
      };
      this.#updates.set(elements, known);
    }
    return known;
  }
}

const LIVE_KINDS = ["whole", "split", "wholeAgain", "splitAgain"] as const;
const MODES: { readonly [K in keyof LiveBytes]: BackwardMode } = {
  whole: { isSplit: false, isAgain: false },
  split: { isSplit: true, isAgain: false },
  wholeAgain: { isSplit: false, isAgain: true },
  splitAgain: { isSplit: true, isAgain: true },
};
/** Stages whose programs are walked, at most: about ten seconds for a GPT of 4 layers. */
const MOST_REFINED = 60_000;

/** What stages keep, by row, where what they hand on has so many slots. */
interface KeptRows {
  readonly handed: number;
  readonly rows: Float64Array[];
}

/** What the update of a slab takes. */
interface SlabUpdate {
  readonly liveBytes: number;
  /**
   * Of that, requests larger than all those of other programs. What the arena took for these is too small for them, so
   * they come on top of it.
   */
  readonly apartBytes: number;
}

const NO_UPDATE: SlabUpdate = { liveBytes: 0, apartBytes: 0 };

/** By node of the instance: values that it makes or reads and that others read or make. */
function flowsOf(
  { differentiated: { graph, owner, phase } }: ShapeSubject,
  size: number,
  nodeOf: (node: NodeId) => number,
): readonly (readonly Flow[])[] {
  const made = new Map<Value["id"], { readonly value: Value; readonly maker: number; readonly isForward: boolean }>();
  const readers = new Map<Value["id"], (readonly [node: number, isForward: boolean])[]>();
  for (const node of graph.nodes) {
    const own = nodeOf(owner.get(node.id)!);
    const isForward = phase.get(node.id) === "F";
    for (const value of node.inputs)
      if (value && made.has(value.id)) {
        const list = readers.get(value.id);
        if (list) list.push([own, isForward]);
        else readers.set(value.id, [[own, isForward]]);
      }
    for (const value of node.outputs) if (value) made.set(value.id, { value, maker: own, isForward });
  }
  const flows = Array.from({ length: size }, (): Flow[] => []);
  for (const [id, { value, maker, isForward }] of made) {
    const own = readers.get(id) ?? [];
    const backward = isForward ? [...new Set(own.flatMap(([node, early]) => (early ? [] : [node])))] : [];
    const all = [...new Set(own.map(([node]) => node))];
    if (backward.length === 0 && all.every((node) => node === maker)) continue;
    const flow = { bytes: tensorBytes(value.type), isForward, maker, readers: all, backward };
    for (const node of new Set([maker, ...all])) flows[node]!.push(flow);
  }
  return flows;
}
