/** @file Predicted peak memory of a stage: what stays, what microbatches in flight hold, and what a program needs while it runs. */
import type { Node, Value, ValueId } from "../ir/graph.js";
import { tensorBytes } from "../ir/literal.js";
import type { OpTable } from "../ops/define.js";
import { stateCount, updateGraph } from "../optimizer/update.js";
import { arenaGeometry } from "./arena.js";
import type { OptimizerSpec, PlanParameter } from "./plan.js";
import type { SlotRing } from "./slots.js";

const FLOAT_BYTES = 4;

/**
 * Bytes of a stage's parameters with all that is kept for them: frozen ones as they are, trained ones in an arena with
 * gradient sums and optimizer states, and a copy of one slab, so that an update can be undone.
 */
export function residentBytes(parameters: readonly PlanParameter[], optimizer: OptimizerSpec): number {
  const trained = parameters.filter(({ trainable }) => trainable);
  const frozen = parameters.filter(({ trainable }) => !trainable).reduce((sum, item) => sum + tensorBytes(item), 0);
  if (trained.length === 0) return frozen;
  const { slabs, slabElements } = arenaGeometry(trained);
  const states = stateCount(optimizer);
  return frozen + FLOAT_BYTES * slabElements * (slabs * (2 + states) + 1 + states);
}

/** Bytes of all slots of a ring. */
export function ringBytes(ring: SlotRing): number {
  return ring.slots * ring.values.reduce((sum, value) => sum + tensorBytes(value), 0);
}

/** The nodes of a graph and the values that live outside it. */
interface GraphValues {
  readonly nodes: readonly Node[];
  readonly inputs: readonly { readonly value: Value }[];
  readonly outputs: readonly { readonly value: Value }[];
}

/** What the update of one slab takes for values inside it; 0 for a stage without trained parameters. */
export function updateWorkspaceBytes(
  parameters: readonly PlanParameter[],
  optimizer: OptimizerSpec,
  ops: OpTable,
): number {
  const trained = parameters.filter(({ trainable }) => trainable);
  if (trained.length === 0) return 0;
  const { nodes, inputs, outputs } = updateGraph(optimizer, [arenaGeometry(trained).slabElements], ops);
  const values = (list: readonly Value[]) => list.map((value) => ({ value }));
  return workspaceBytes({ nodes, inputs: values(inputs), outputs: values(outputs) });
}

/**
 * Most bytes that a program takes for values inside it. Ports are not counted: they live outside the program.
 *
 * ONNX Runtime plans buffers before it runs: a value takes over the buffer of a dead one of the same shape, even if that
 * keeps the buffer from being given back in between. So buffers live from the begin of their first value to the end of
 * their last. Source: FindReusableTensor in onnxruntime/core/framework/allocation_planner.cc. Linear, with a sort.
 */
export function workspaceBytes(program: GraphValues): number {
  const outside = new Set<ValueId>([...program.inputs, ...program.outputs].map(({ value }) => value.id));
  const nodes = engineOrder(program.nodes);
  const lastRead = new Map<ValueId, number>();
  nodes.forEach(({ inputs, outputs }, at) => {
    for (const value of [...outputs, ...inputs]) if (value) lastRead.set(value.id, at);
  });
  const changes = new Float64Array(nodes.length + 1);
  const buffers: { readonly kind: string; readonly bytes: number; readonly begin: number; end: number }[] = [];
  const bufferOf = new Map<ValueId, number>();
  const free = new Map<string, number[]>();
  nodes.forEach(({ inputs, outputs }, at) => {
    for (const value of outputs) {
      if (!value || outside.has(value.id)) continue;
      const bytes = tensorBytes(value.type);
      const kind = `${bytes} ${value.type.shape.join()}`;
      const known = free.get(kind)?.pop();
      const index = known ?? buffers.push({ kind, bytes, begin: at, end: at }) - 1;
      bufferOf.set(value.id, index);
      buffers[index]!.end = lastRead.get(value.id)!;
    }
    for (const value of new Set([...inputs, ...outputs])) {
      const index = value && bufferOf.get(value.id);
      if (!value || index === undefined || lastRead.get(value.id) !== at) continue;
      const { kind } = buffers[index]!;
      free.set(kind, [...(free.get(kind) ?? []), index]);
    }
  });
  for (const { bytes, begin, end } of buffers) {
    changes[begin]! += bytes;
    changes[end + 1]! -= bytes;
  }
  let held = 0;
  let peak = 0;
  for (const change of changes) peak = Math.max(peak, (held += change));
  return peak;
}

/**
 * The order in which ONNX Runtime runs the nodes of a graph: a depth-first walk from the nodes that no other reads, the
 * last of them first, to the makers of their inputs, the last of them first; a node runs when the walk leaves it.
 * Source: GraphViewer's constructor and Graph::ReverseDFSFrom in onnxruntime/core/graph. Linear but for sorting inputs.
 */
function engineOrder(nodes: readonly Node[]): readonly Node[] {
  const makerOf = new Map<ValueId, number>();
  nodes.forEach(({ outputs }, index) => outputs.forEach((value) => value && makerOf.set(value.id, index)));
  const makers = nodes.map(({ inputs }) => {
    const found = inputs.flatMap((value) => (value ? (makerOf.get(value.id) ?? []) : []));
    return [...new Set(found)].sort((a, b) => a - b);
  });
  const isRead = new Uint8Array(nodes.length);
  for (const list of makers) for (const index of list) isRead[index] = 1;
  const waiting: number[] = [];
  nodes.forEach((_, index) => !isRead[index] && waiting.push(index));
  const isSeen = new Uint8Array(nodes.length);
  const order: Node[] = [];
  while (waiting.length > 0) {
    const entry = waiting.pop()!;
    if (entry < 0) {
      order.push(nodes[-entry - 1]!);
      continue;
    }
    if (isSeen[entry]) continue;
    isSeen[entry] = 1;
    waiting.push(-entry - 1);
    for (const index of makers[entry]!) if (!isSeen[index]) waiting.push(index);
  }
  return order;
}
