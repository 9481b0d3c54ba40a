/** @file Predicted peak memory of a stage: what stays, what microbatches in flight hold, and what a program needs while it runs. */
import type { Node, ValueId } from "../ir/graph.js";
import { tensorBytes } from "../ir/literal.js";
import { stateCount } from "../optimizer/update.js";
import type { OptimizerSpec } from "./plan.js";
import type { ProgramGraph } from "./ports.js";
import type { SlotRing } from "./slots.js";

/** Bytes of one parameter with all that is kept for it: gradient sum and optimizer states if it trains. */
export function residentBytes(parameterBytes: number, isTrained: boolean, optimizer: OptimizerSpec): number {
  return parameterBytes * (isTrained ? 2 + stateCount(optimizer) : 1);
}

/** Bytes of all slots of a ring. */
export function ringBytes(ring: SlotRing): number {
  return ring.slots * ring.values.reduce((sum, value) => sum + tensorBytes(value), 0);
}

/**
 * Most bytes that values inside a program hold at once, when nodes run in order and memory is freed after the last
 * reader. Ports are not counted: they live outside the program.
 */
export function workspaceBytes(program: ProgramGraph): number {
  const outside = new Set<ValueId>([...program.inputs, ...program.outputs].map(({ value }) => value.id));
  const lastReader = new Map<ValueId, Node>();
  for (const node of program.nodes) for (const value of node.inputs) if (value) lastReader.set(value.id, node);
  let held = 0;
  let peak = 0;
  for (const node of program.nodes) {
    for (const value of node.outputs) if (value && !outside.has(value.id)) held += tensorBytes(value.type);
    peak = Math.max(peak, held);
    const freed = new Set(node.inputs.flatMap((value) => (value ? [value] : [])));
    for (const value of node.outputs) if (value && !lastReader.has(value.id)) freed.add(value);
    for (const value of freed) {
      if (value.literal || outside.has(value.id)) continue;
      if (lastReader.get(value.id) === node || !lastReader.has(value.id)) held -= tensorBytes(value.type);
    }
  }
  return peak;
}
