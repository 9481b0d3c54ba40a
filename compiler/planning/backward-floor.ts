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
import type { NodeId } from "../ir/graph.js";
import type { Made, Stashed, Step } from "./backward-steps.js";
import { backwardSteps } from "./backward-steps.js";

export interface BackwardMode {
  readonly isSplit: boolean;
  /** Whether forward values count, where any may run again: those that are of the stage alone. */
  readonly isAgain: boolean;
}

/** What the backward programs of a stage take. */
export interface BackwardBytes {
  /** While they run. */
  readonly liveBytes: number;
  /** What the input-gradient program hands to the weight-gradient one alone, for each microbatch between them. */
  readonly handedBytes: number;
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
    const { steps, made, stashed, bytes } = backwardSteps(differentiated, nodeOf);
    this.#steps = steps;
    this.#made = made;
    this.#stashed = stashed;
    this.#bytes = bytes;
    const count = steps.length;
    this.#program = new Uint8Array(count);
    this.#place = new Int32Array(count);
    this.#order = new Int32Array(count);
    this.#mark = new Uint8Array(count);
    this.#stack = new Int32Array(steps.reduce((sum, { makers }) => sum + makers.length + 2, 0));
    this.#last = new Int32Array(this.#made.length);
    this.#change = bytes.map(() => new Int32Array(count + 1));
    this.#held = new Float64Array(count);
    this.#behind = new Int32Array(count);
  }

  /** Of a stage by nodes of the instance. Cost: steps times kinds of buffers. */
  of(isInside: (node: number) => boolean, { isSplit, isAgain }: BackwardMode): BackwardBytes {
    this.#assign(isInside, isSplit);
    const stashed = isAgain ? this.#stashed.filter(({ stage }) => stage.every(isInside)) : [];
    const liveBytes = Math.max(this.#peakOf(1, stashed, isSplit), isSplit ? this.#peakOf(2, stashed, false) : 0);
    return { liveBytes, handedBytes: isSplit ? this.#handedBytes() : 0 };
  }

  /** Of values that the stage alone reads. */
  #handedBytes(): number {
    const program = this.#program;
    return this.#made.reduce((sum, { maker, readers, bytes }) => {
      if (program[maker] !== 1 || readers.some((reader) => program[reader] === 0)) return sum;
      return readers.some((reader) => program[reader] === 2) ? sum + bytes : sum;
    }, 0);
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

  /** Most bytes at once in one program; `atOnce`: one that is written as plan/ports.ts writes those of I. */
  #peakOf(own: number, stashed: readonly Stashed[], atOnce: boolean): number {
    const count = this.#run(own, atOnce);
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
  #run(own: number, atOnce: boolean): number {
    const [program, stack, order, place] = [this.#program, this.#stack, this.#order, this.#place];
    const seen = this.#mark.fill(0);
    this.#steps.forEach(({ makers }, at) => {
      if (program[at] === own) for (const maker of makers) seen[maker] = 1;
    });
    let depth = 0;
    for (let at = 0; at < this.#steps.length; at++) if (program[at] === own && seen[at] === 0) stack[depth++] = at;
    if (atOnce) stack.subarray(0, depth).reverse();
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
