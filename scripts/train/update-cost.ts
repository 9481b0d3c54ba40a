/** @file What AdamW's update of millions of parameters takes, slab by slab as in a run. */
import { SLAB_ELEMENTS } from "../../compiler/plan/arena.js";
import { ADAMW } from "../../compiler/optimizer/adamw.js";
import { updateGraph } from "../../compiler/optimizer/update.js";
import { exportGraph } from "../../compiler/onnx/export.js";
import { OPS } from "../../compiler/ops/registry.js";
import type { Buffer, Engine } from "../../runtime/engine/engine.js";
import type { Clock } from "../../runtime/env/env.js";

/** 8.4 million parameters. */
const SLABS = 128;
export const UPDATED_PARAMETERS = SLABS * SLAB_ELEMENTS;

export interface UpdateMs {
  /** The arithmetic alone. */
  readonly bareMs: number;
  /** With what is kept of the slab before, and with the sums cleared. */
  readonly wholeMs: number;
}

/** Least times of the runs. */
export function updateMs(engine: Engine, clock: Clock, runs: number): UpdateMs {
  const graph = updateGraph(ADAMW, [SLAB_ELEMENTS], OPS);
  const program = engine.load(exportGraph(graph));
  const filled = ({ type }: { readonly type: Buffer["type"] }): Buffer => {
    const buffer = engine.allocate(type);
    const bytes = new Uint8Array(buffer.bytes);
    new Float32Array(bytes.buffer).fill(0.01);
    engine.write(buffer, bytes);
    return buffer;
  };
  const scalars = graph.inputs
    .filter(({ type }) => type.shape.length === 0)
    .map((value) => [value.name, filled(value)] as const);
  const undo = graph.outputs.map(filled);
  const slabs = Array.from({ length: SLABS }, () => {
    const tensors = graph.inputs
      .filter(({ type }) => type.shape.length > 0)
      .map((value) => [value.name, filled(value)] as const);
    const inputs = new Map([...tensors, ...scalars]);
    const sums = inputs.get("gradSum")!;
    const changed = tensors.map(([, buffer]) => buffer).filter((buffer) => buffer !== sums);
    const outputs = new Map(graph.outputs.map(({ name }, at) => [name, changed[at]!]));
    return { binding: program.bind(inputs, outputs), sums, changed };
  });
  const zeros = new Uint8Array(4 * SLAB_ELEMENTS);
  const least = (one: (slab: (typeof slabs)[number]) => void): number => {
    const times = Array.from({ length: runs + 1 }, () => {
      const startMs = clock.nowMs();
      slabs.forEach(one);
      return clock.nowMs() - startMs;
    });
    return Math.min(...times.slice(1));
  };
  return {
    bareMs: least(({ binding }) => binding.run()),
    wholeMs: least(({ binding, sums, changed }) => {
      for (const [at, buffer] of changed.entries()) engine.copy(buffer, undo[at]!);
      binding.run();
      engine.write(sums, zeros);
    }),
  };
}
