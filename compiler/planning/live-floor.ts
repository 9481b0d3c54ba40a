/**
 * @file What the values around a node of a backward pass take at once, for any stage that holds the node: what it reads
 * that its own program made, what it makes for it, and what its kernel needs beside.
 */
import type { Node, NodeId, Value, ValueId } from "../ir/graph.js";
import { tensorBytes } from "../ir/literal.js";
import { inputReuse, scratchBytes } from "../ops/kernel-memory.js";
import { roundedBytes } from "../plan/engine-arena.js";
import type { WithSums } from "../plan/gradient-sums.js";
import { shownBy } from "./shown.js";

/** A value that may have a buffer in a program. */
interface Buffered {
  readonly bytes: number;
  /** Nodes of the instance that must be of the stage for that. */
  readonly stage: readonly number[];
  /** Every reader and maker is of the part of the backward pass that makes gradients for earlier stages. */
  readonly isEarly: boolean;
  /** Made by a forward pass: kept for the backward pass, or made there again. */
  readonly isForward: boolean;
}

interface Step {
  readonly own: number;
  /** Kernel's room; bytes whatever the stage. */
  readonly scratch: number;
  readonly values: readonly Buffered[];
}

/** What nodes take at least. */
export interface LiveBytes {
  /** With whole backward passes, and with split ones; whatever runs again, which adds values and takes none away. */
  readonly whole: number;
  readonly split: number;
  /**
   * The same with forward values that the node reads, where any may run again: these are made again there, or else kept
   * by the stage, at least once.
   */
  readonly wholeAgain: number;
  readonly splitAgain: number;
}

export class LiveFloor {
  /** Of all requests that programs but the update can make. */
  readonly largestBytes: number;
  /** By node of the instance: what may take more once it is of the stage. */
  readonly #steps = new Map<number, Step[]>();

  constructor({ differentiated, sums }: WithSums, nodeOf: (node: NodeId) => number) {
    const { graph, owner, phase } = differentiated;
    const maker = new Map<ValueId, Node>();
    const readers = new Map<ValueId, Node[]>();
    for (const node of graph.nodes) {
      for (const value of node.outputs) if (value) maker.set(value.id, node);
      for (const value of node.inputs)
        if (value) {
          const list = readers.get(value.id);
          if (list) list.push(node);
          else readers.set(value.id, [node]);
        }
    }
    const outside = new Set([...graph.states, ...sums].map(({ next }) => next.id));
    const own = (node: Node): number => nodeOf(owner.get(node.id)!);
    const isBackward = (node: Node): boolean => phase.get(node.id) !== "F";
    const buffered = (value: Value): readonly [ValueId, Buffered] | undefined => {
      const shown = shownBy(value, maker);
      const root = shown?.at(-1);
      if (!root || shown!.some(({ id }) => outside.has(id))) return undefined;
      const makers = shown!.map(({ id }) => maker.get(id)!);
      const isForward = !isBackward(makers.at(-1)!);
      if (!isForward && makers.some((node) => !isBackward(node))) return undefined;
      const all = shown!.flatMap(({ id }) => [maker.get(id)!, ...(readers.get(id) ?? [])]);
      const told = {
        bytes: isForward ? tensorBytes(root.type) : roundedBytes(tensorBytes(root.type)),
        stage: [...new Set(all.map(own))],
        isEarly: all.every((node) => phase.get(node.id) === "I"),
        isForward,
      };
      return [root.id, told];
    };
    let largest = 0;
    for (const node of graph.nodes) {
      const scratch = scratchBytes(node);
      for (const value of node.outputs) if (value) largest = Math.max(largest, roundedBytes(tensorBytes(value.type)));
      for (const bytes of scratch) largest = Math.max(largest, roundedBytes(bytes));
      if (!isBackward(node)) continue;
      const roots = new Map<ValueId, Buffered>();
      const add = (value: Value): void => {
        const told = buffered(value);
        if (told && !roots.has(told[0])) roots.set(...told);
      };
      for (const value of node.inputs) if (value) add(value);
      node.outputs.forEach((value, output) => value && !inputReuse(node, output) && add(value));
      const step = {
        own: own(node),
        scratch: scratch.reduce((sum, bytes) => sum + roundedBytes(bytes), 0),
        values: [...roots.values()],
      };
      for (const at of new Set([step.own, ...step.values.flatMap(({ stage }) => stage)])) {
        const list = this.#steps.get(at);
        if (list) list.push(step);
        else this.#steps.set(at, [step]);
      }
    }
    this.largestBytes = largest;
  }

  /** Most that a node takes for which it matters that this one is now of the stage. */
  added(node: number, isInside: (node: number) => boolean): LiveBytes {
    let [whole, split, wholeAgain, splitAgain] = [0, 0, 0, 0];
    for (const { own, scratch, values } of this.#steps.get(node) ?? []) {
      if (!isInside(own)) continue;
      let [late, early, forward] = [0, 0, 0];
      for (const value of values) {
        if (!value.stage.every(isInside)) continue;
        if (value.isForward) forward += value.bytes;
        else if (value.isEarly) early += value.bytes;
        else late += value.bytes;
      }
      whole = Math.max(whole, scratch + early + late);
      split = Math.max(split, scratch + early);
      wholeAgain = Math.max(wholeAgain, scratch + early + late + forward);
      splitAgain = Math.max(splitAgain, scratch + early + forward);
    }
    return { whole, split, wholeAgain, splitAgain };
  }
}
