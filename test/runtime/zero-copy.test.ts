/** @file Tensors that cross from stage to stage are never copied: one engine writes them where the other reads them. */
import koffi from "koffi";
import { expect, it } from "vitest";
import type { TensorType } from "../../compiler/ir/graph.js";
import type { Binding, Buffer, Engine, SharedBuffer } from "../../runtime/engine/engine.js";
import { engineFor } from "../../runtime/engine/registry.js";
import { nodeEnv } from "../../runtime/env/node.js";
import { startInline } from "../../runtime/inline-workers.js";
import { layoutOf } from "../../runtime/layout.js";
import { TIED_GPT } from "../support/tiny-models.js";
import { withPlan } from "../support/training.js";

/** What the engine of one device did with memory. */
interface Counts {
  /** Bytes that `write`, `read` and `copy` moved. */
  moved: number;
  readonly adopted: Map<Buffer, Uint8Array>;
  /** Memory bound to inputs and to outputs, by the name of the tensor. */
  readonly inputs: Map<string, Set<bigint>>;
  readonly outputs: Map<string, Set<bigint>>;
}

/** The engine of a device, watched. */
function counting(engine: Engine, counts: Counts): Engine {
  const note = (places: Map<string, Set<bigint>>, buffers: ReadonlyMap<string, Buffer>): void => {
    for (const [name, buffer] of buffers) {
      const memory = counts.adopted.get(buffer);
      if (memory) places.set(name, (places.get(name) ?? new Set()).add(koffi.address(memory)));
    }
  };
  return {
    kind: engine.kind,
    version: engine.version,
    load: (model) => {
      const program = engine.load(model);
      const bind = (inputs: ReadonlyMap<string, Buffer>, outputs: ReadonlyMap<string, Buffer>): Binding => {
        note(counts.inputs, inputs);
        note(counts.outputs, outputs);
        return program.bind(inputs, outputs);
      };
      return { inputs: program.inputs, outputs: program.outputs, bind, free: () => program.free() };
    },
    allocate: (type) => engine.allocate(type),
    adopt: (memory: Uint8Array, type: TensorType): SharedBuffer => {
      const buffer = engine.adopt(memory, type);
      counts.adopted.set(buffer, memory);
      return buffer;
    },
    write: (buffer, bytes) => {
      counts.moved += bytes.length;
      engine.write(buffer, bytes);
    },
    read: (buffer) => {
      counts.moved += buffer.bytes;
      return engine.read(buffer);
    },
    copy: (from, to) => {
      counts.moved += from.bytes;
      engine.copy(from, to);
    },
    timeNodes: (...args) => engine.timeNodes(...args),
    get workspacePeakBytes() {
      return engine.workspacePeakBytes;
    },
    close: () => engine.close(),
  };
}

it.each(["1f1b", "zb-h1"])("nothing is copied in the rows of %s, and slots are those of the plan", async (schedule) => {
  await withPlan(TIED_GPT, { devices: 3, schedule, microbatches: 4 }, async ({ directory, plan }) => {
    const env = nodeEnv();
    const layout = layoutOf(plan);
    const memory = env.memories.create(layout.bytes);
    const devices: Counts[] = [];
    const workers = await startInline(env, directory, plan, memory, (spec) => {
      devices.push({ moved: 0, adopted: new Map(), inputs: new Map(), outputs: new Map() });
      return counting(engineFor(spec), devices.at(-1)!);
    });
    try {
      const order = { kind: "step", step: 0, sentMs: 0, pull: false, push: true, isFinishOnly: false } as const;
      await workers.run([0, 1, 2], { ...order, end: undefined });
      expect(devices.map(({ moved }) => moved)).toEqual([0, 0, 0]);
    } finally {
      await workers.stop();
      memory.close();
    }
    const crossing = plan.slotGroups.flatMap(({ stage, slots, values }) =>
      values.filter(({ shared }) => shared).map(({ name }) => ({ name, slots, device: plan.stages[stage]!.device })),
    );
    expect(crossing.length).toBeGreaterThan(3);
    for (const { name, slots, device } of crossing) {
      const written = devices[device]!.outputs.get(name)!;
      expect(written.size, name).toBe(slots);
      expect(layout.slots.get(name)!.length, name).toBe(slots);
      const readers = devices.filter(({ inputs }, other) => other !== device && inputs.has(name));
      expect(readers.length, name).toBeGreaterThan(0);
      for (const { inputs } of readers) expect(inputs.get(name), name).toEqual(written);
    }
  });
});
