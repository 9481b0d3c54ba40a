/** @file What programs take for values inside them: the requests that ONNX Runtime makes of its arena, one after another. */
import type { Literal, Node, Value, ValueId } from "../ir/graph.js";
import { tensorBytes } from "../ir/literal.js";
import { inputReuse, scratchBytes } from "../ops/kernel-memory.js";
import type { Taken } from "./engine-arena.js";
import { EngineArena, roundedBytes } from "./engine-arena.js";
import { engineOrder } from "./engine-order.js";

/** The nodes of a graph and the values that live outside it. */
export interface GraphValues {
  readonly nodes: readonly Node[];
  readonly inputs: readonly { readonly value: Value }[];
  readonly outputs: readonly { readonly value: Value }[];
}

/** Steps that are replayed: what the first one leaves behind, the second finds. */
const STEPS = 2;

/**
 * Bytes that a process takes for values inside `programs`, which share one arena, step after step. `order`: the runs of
 * a step, by place in the list; default: each once. Ports are not counted: they live outside the programs. The larger of
 * what the two ways in which the system may place memory lead to. Linear but for the search for free memory.
 */
export function sharedBytes(
  programs: readonly ProgramMemory[],
  order: readonly number[] = programs.map((_, at) => at),
): number {
  const totals = (["up", "down"] as const).map((growth) => {
    const arena = new EngineArena(growth);
    for (let step = 0; step < STEPS; step++) replayStep(programs, order, arena);
    return arena.totalBytes;
  });
  return Math.max(...totals) + literalsOf(programs);
}

/** Between runs all memory is free and whole, so a program that once ran without more asks for none until another did. */
function replayStep(programs: readonly ProgramMemory[], order: readonly number[], arena: EngineArena): void {
  const settled = new Set<number>();
  for (const at of order) {
    if (settled.has(at)) continue;
    const before = arena.totalBytes;
    replay(programs[at]!, arena);
    if (arena.totalBytes > before) settled.clear();
    else settled.add(at);
  }
}

/** What the values of one of the programs take that are there at once; `sharedBytes` of these and others is never less. */
export function liveBytes(programs: readonly ProgramMemory[]): number {
  return Math.max(0, ...programs.map(({ peakBytes }) => peakBytes)) + literalsOf(programs);
}

function literalsOf(programs: readonly ProgramMemory[]): number {
  return programs.reduce((sum, { literalBytes }) => sum + literalBytes, 0);
}

/** What a program asks of the arena. */
export function programMemory(program: GraphValues): ProgramMemory {
  const plan = memoryPlan(program);
  return { ...plan, literalBytes: literalBytes(program), peakBytes: peakBytes(plan) };
}

/** Most bytes of buffers that are there at once. */
export function peakBytes({ buffers, scratch }: MemoryPlan): number {
  const change = new Float64Array(scratch.length + 1);
  for (const { bytes, begin, end } of buffers) {
    change[begin]! += roundedBytes(bytes);
    change[end + 1]! -= roundedBytes(bytes);
  }
  let now = 0;
  let peak = 0;
  scratch.forEach((sizes, at) => {
    now += change[at]!;
    peak = Math.max(peak, now + sizes.reduce((sum, bytes) => sum + roundedBytes(bytes), 0));
  });
  return peak;
}

/** Every session has its own copies. */
function literalBytes({ nodes }: GraphValues): number {
  const literals = new Set<Literal>();
  for (const { inputs } of nodes) for (const value of inputs) if (value?.literal) literals.add(value.literal);
  let bytes = 0;
  for (const literal of literals) bytes += tensorBytes(literal);
  return bytes;
}

/** Memory of one value after another, from the node that makes the first to that after which it is given back. */
interface PlannedBuffer {
  readonly bytes: number;
  readonly begin: number;
  readonly end: number;
}

interface MemoryPlan {
  /** In the order in which they are asked for. */
  readonly buffers: readonly PlannedBuffer[];
  /** By position: buffers that the node takes while it runs. */
  readonly scratch: readonly (readonly number[])[];
}

/** A program as the arena sees it. */
export interface ProgramMemory extends MemoryPlan {
  readonly literalBytes: number;
  /** Most bytes of values that are there at once. */
  readonly peakBytes: number;
}

function replay({ buffers, scratch }: MemoryPlan, arena: EngineArena): void {
  const ending = scratch.map((): Taken[] => []);
  let next = 0;
  scratch.forEach((bytes, at) => {
    for (; buffers[next]?.begin === at; next++) ending[buffers[next]!.end]!.push(arena.take(buffers[next]!.bytes));
    for (const piece of bytes.map((size) => arena.take(size))) arena.give(piece);
    for (const piece of ending[at]!) arena.give(piece);
  });
}

/**
 * Which values share memory, as ONNX Runtime plans it before it runs: a view is its input; some kernels overwrite an
 * input that nothing else reads; else a value takes over the buffer of a dead one of the same shape, even if that keeps
 * the buffer from being given back in between. Source: ComputeReusePlan, FindReusableInput and FindReusableTensor in
 * onnxruntime/core/framework/allocation_planner.cc.
 */
function memoryPlan(program: GraphValues): MemoryPlan {
  const outside = new Set<ValueId>();
  for (const { value } of program.inputs) outside.add(value.id);
  for (const { value } of program.outputs) outside.add(value.id);
  const nodes = engineOrder(program.nodes);
  const reads = new Map<ValueId, number>();
  for (const { inputs } of nodes)
    for (const value of inputs) if (value) reads.set(value.id, (reads.get(value.id) ?? 0) + 1);
  const buffers: SharedBuffer[] = [];
  const bufferOf = new Map<ValueId, SharedBuffer>();
  const free = new Map<string, SharedBuffer[]>();
  const take = (value: Value, at: number): SharedBuffer => {
    const kind = kindOf(value);
    const taken = value.type.shape.length > 0 ? free.get(kind)?.pop() : undefined;
    if (taken) return taken;
    const bytes = tensorBytes(value.type);
    const buffer = { kind, bytes, begin: at, readsLeft: 0, lastRead: undefined, unreadSince: undefined, freedAt: -1 };
    buffers.push(buffer);
    return buffer;
  };
  const release = (value: Value | undefined, at: number): void => {
    const buffer = value && bufferOf.get(value.id);
    if (!buffer || buffer.readsLeft > 0 || buffer.freedAt === at) return;
    buffer.freedAt = at;
    const list = free.get(buffer.kind);
    if (list) list.push(buffer);
    else free.set(buffer.kind, [buffer]);
  };
  nodes.forEach((node, at) => {
    node.outputs.forEach((value, output) => {
      if (!value || outside.has(value.id)) return;
      const reuse = inputReuse(node, output);
      const input = reuse && node.inputs[reuse.input];
      const own = input && bufferOf.get(input.id);
      if (reuse?.how === "view" && !own) return;
      const isReused = own && (reuse?.how === "view" || (own.readsLeft === 1 && kindOf(input!) === kindOf(value)));
      const buffer = isReused ? own : take(value, at);
      buffer.readsLeft += reads.get(value.id) ?? 0;
      buffer.unreadSince ??= at;
      bufferOf.set(value.id, buffer);
    });
    for (const value of node.inputs) {
      const buffer = value && bufferOf.get(value.id);
      if (!buffer) continue;
      buffer.readsLeft--;
      buffer.lastRead = at;
      buffer.unreadSince = undefined;
    }
    for (const value of node.inputs) release(value, at);
    for (const value of node.outputs) release(value, at);
  });
  const planned = buffers.flatMap((buffer) => heldFor(buffer, nodes.length - 1));
  return { buffers: planned.sort((a, b) => a.begin - b.begin), scratch: nodes.map(scratchBytes) };
}

/**
 * A buffer is given back after the last node that reads it. What is written to it later and never read gets it anew and
 * keeps it to the end of the run. Source: GenerateDeallocationPlan in the same file.
 */
function heldFor({ bytes, begin, lastRead, unreadSince }: SharedBuffer, end: number): readonly PlannedBuffer[] {
  if (lastRead === undefined) return [{ bytes, begin, end }];
  const read = { bytes, begin, end: lastRead };
  return unreadSince === undefined ? [read] : [read, { bytes, begin: unreadSince, end }];
}

interface SharedBuffer extends Pick<PlannedBuffer, "bytes" | "begin"> {
  readonly kind: string;
  /** Reads of its values that are still to come. */
  readsLeft: number;
  /** Position of the last node that reads it so far, and of the first one behind it that writes to it. */
  lastRead: number | undefined;
  unreadSince: number | undefined;
  /** Position of the node after which it was last put among those to take over. */
  freedAt: number;
}

/** Values of one kind can take over each other's buffers: same shape, elements of the same size. */
function kindOf({ type }: Value): string {
  return `${tensorBytes(type)} ${type.shape.join()}`;
}
