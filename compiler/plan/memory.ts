/** @file Predicted memory of a stage: what stays, and what microbatches in flight hold. What programs take is in workspace.ts. */
import type { Value } from "../ir/graph.js";
import { tensorBytes } from "../ir/literal.js";
import type { OpTable } from "../ops/define.js";
import { stateCount, updateGraph } from "../optimizer/update.js";
import type { ArenaGeometry } from "./arena.js";
import { arenaGeometry } from "./arena.js";
import type { OptimizerSpec, PlanParameter } from "./plan.js";
import type { SlotRing } from "./slots.js";
import type { GraphValues } from "./workspace.js";

const FLOAT_BYTES = 4;

/**
 * Bytes of a stage's parameters with all that is kept for them: frozen ones as they are, trained ones in an arena with
 * gradient sums and optimizer states, and a copy of one slab, so that an update can be undone.
 */
export function residentBytes(parameters: readonly PlanParameter[], optimizer: OptimizerSpec): number {
  const trained = parameters.filter(({ trainable }) => trainable);
  const frozen = parameters.filter(({ trainable }) => !trainable).reduce((sum, item) => sum + tensorBytes(item), 0);
  if (trained.length === 0) return frozen;
  return frozen + arenaBytes(arenaGeometry(trained), optimizer);
}

/** Bytes of the arenas of a stage's trained parameters, with the copy of a slab. */
export function arenaBytes(
  { slabs, slabElements }: Pick<ArenaGeometry, "slabs" | "slabElements">,
  optimizer: OptimizerSpec,
): number {
  const states = stateCount(optimizer);
  return FLOAT_BYTES * slabElements * (slabs * (2 + states) + 1 + states);
}

/** Bytes of all slots of a ring. */
export function ringBytes(ring: SlotRing): number {
  return ring.slots * ring.values.reduce((sum, value) => sum + tensorBytes(value), 0);
}

/** The update of one slab as a program; undefined for a stage without trained parameters. */
export function updateProgram(
  parameters: readonly PlanParameter[],
  optimizer: OptimizerSpec,
  ops: OpTable,
): GraphValues | undefined {
  const trained = parameters.filter(({ trainable }) => trainable);
  if (trained.length === 0) return undefined;
  return slabUpdate(arenaGeometry(trained).slabElements, optimizer, ops);
}

/** The update of so many elements as a program. */
export function slabUpdate(elements: number, optimizer: OptimizerSpec, ops: OpTable): GraphValues {
  const { nodes, inputs, outputs } = updateGraph(optimizer, [elements], ops);
  const values = (list: readonly Value[]) => list.map((value) => ({ value }));
  return { nodes, inputs: values(inputs), outputs: values(outputs) };
}
