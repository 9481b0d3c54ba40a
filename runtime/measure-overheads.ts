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
import type { Clock } from "./env/env.js";
import { median } from "./median.js";

/** Slabs that take turns at most: more than fit into a cache. */
const MOST_SLABS = 64;

export interface OverheadOptions {
  /** Timed updates. */
  readonly repeat: number;
  readonly clock: Clock;
  /** Whose update is timed. Default AdamW. */
  readonly optimizer?: OptimizerSpec;
  /** Trained elements of a device: when they fit into its caches, so do those of the update that is timed. */
  readonly elements: number;
  /** Awaited between runs; what it throws ends them. */
  readonly turn?: () => Promise<void>;
}

/**
 * The update of one element tells what starting a program takes; that of slabs that take turns, with the copies by which
 * an update can be undone and the clearing of the gradient sums, what an element takes. What a message takes beyond the
 * link is not seen from one process: it is 0 here.
 */
export async function measureOverheads(engine: Engine, options: OverheadOptions): Promise<Overheads> {
  const slabs = Math.min(MOST_SLABS, Math.max(1, Math.ceil(options.elements / SLAB_ELEMENTS)));
  const slabElements = Math.min(SLAB_ELEMENTS, Math.max(1, options.elements));
  const actionMs = await slabMs(engine, 1, 1, options);
  const updateMs = await slabMs(engine, slabElements, slabs, options);
  return { actionMs, messageMs: 0, updateMsPerElement: updateMs / slabElements };
}

/** Time of the update of one slab, the mean over `slabs` that take turns. */
async function slabMs(engine: Engine, elements: number, slabs: number, options: OverheadOptions): Promise<number> {
  const { repeat, clock, optimizer = ADAMW, turn } = options;
  const graph = updateGraph(optimizer, [elements], OPS);
  const owned: Buffer[] = [];
  const program = engine.load(exportGraph(graph));
  const allocate = ({ type }: Value): Buffer => {
    const buffer = engine.allocate(type);
    engine.write(buffer, new Uint8Array(buffer.bytes));
    owned.push(buffer);
    return buffer;
  };
  const named = (values: readonly Value[]): Map<string, Buffer> =>
    new Map(values.map((value) => [value.name, allocate(value)]));
  const undo = graph.outputs.map(allocate);
  const pieces = Array.from({ length: slabs }, () => {
    const inputs = named(graph.inputs);
    const sums = inputs.get("gradSum")!;
    // In the order of the outputs: the parameter, then its states.
    const changed = [...inputs.values()].filter((buffer) => buffer !== sums).slice(0, undo.length);
    const outputs = new Map(graph.outputs.map(({ name }, at) => [name, changed[at]!]));
    return { binding: program.bind(inputs, outputs), sums, changed };
  });
  const zeros = new Uint8Array(4 * elements);
  const times: number[] = [];
  try {
    for (let run = 0; run <= repeat; run++) {
      await turn?.();
      const startMs = clock.nowMs();
      for (const { binding, sums, changed } of pieces) {
        for (const [at, buffer] of changed.entries()) engine.copy(buffer, undo[at]!);
        binding.run();
        engine.write(sums, zeros);
      }
      if (run > 0) times.push((clock.nowMs() - startMs) / slabs);
    }
    return median(times);
  } finally {
    program.free();
    for (const buffer of owned) buffer.free();
  }
}
