/** @file Measures what a plan takes besides its nodes: starting a program, and the optimizer's update. */
import type { Value } from "../compiler/ir/graph.js";
import { exportGraph } from "../compiler/onnx/export.js";
import { OPS } from "../compiler/ops/registry.js";
import { ADAMW } from "../compiler/optimizer/adamw.js";
import { updateGraph } from "../compiler/optimizer/update.js";
import { SLAB_ELEMENTS } from "../compiler/plan/arena.js";
import type { OptimizerSpec } from "../compiler/plan/plan.js";
import type { Overheads } from "../compiler/profile/profile.js";
import type { Buffer, Engine } from "./engine/engine.js";
import type { Timing } from "./time-runs.js";
import { fastestMs } from "./time-runs.js";

/** Slabs that take turns, so that none stays in the cache: as in a stage of so many parameters. */
const SLABS = 16;

/**
 * The update of one element tells what starting a program takes; that of slabs that are not in the cache, with the
 * clearing of the gradient sums, what an element takes. What a message takes beyond the link is not seen from one
 * process: it is 0 here.
 */
export function measureOverheads(
  engine: Engine,
  { optimizer = ADAMW, ...timing }: Timing & { readonly optimizer?: OptimizerSpec },
): Overheads {
  const actionMs = updateMs(engine, optimizer, 1, 1, timing);
  const slabMs = updateMs(engine, optimizer, SLAB_ELEMENTS, SLABS, timing);
  return { actionMs, messageMs: 0, updateMsPerElement: slabMs / SLAB_ELEMENTS };
}

/** Time of one update, the mean over `slabs` that take turns. */
function updateMs(engine: Engine, optimizer: OptimizerSpec, elements: number, slabs: number, timing: Timing): number {
  const graph = updateGraph(optimizer, [elements], OPS);
  const owned: Buffer[] = [];
  const program = engine.load(exportGraph(graph));
  const bindings = Array.from({ length: slabs }, () => {
    const allocate = ({ name, type }: Value): [string, Buffer] => {
      const buffer = engine.allocate(type);
      engine.write(buffer, new Uint8Array(buffer.bytes));
      owned.push(buffer);
      return [name, buffer];
    };
    const inputs = new Map(graph.inputs.map(allocate));
    const sums = inputs.get("gradSum")!;
    return { binding: program.bind(inputs, new Map(graph.outputs.map(allocate))), sums };
  });
  const zeros = new Uint8Array(4 * elements);
  try {
    const updateAll = (): void => {
      for (const { binding, sums } of bindings) {
        binding.run();
        engine.write(sums, zeros);
      }
    };
    return fastestMs(updateAll, timing) / slabs;
  } finally {
    for (const { binding } of bindings) binding.free();
    program.free();
    for (const buffer of owned) buffer.free();
  }
}
