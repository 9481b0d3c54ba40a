/** @file One device of a plan at run time: its programs loaded, its tensors placed, every run of every microbatch bound. */
import { invariant } from "../compiler/errors.js";
import type { TensorType } from "../compiler/ir/graph.js";
import type { Plan, PlanAction, Port, StageProgram } from "../compiler/plan/plan.js";
import type { StepScalars } from "../compiler/optimizer/update.js";
import type { Binding, Buffer, Engine, SharedBuffer } from "./engine/engine.js";
import type { Layout, Region } from "./layout.js";
import { UpdateRun } from "./update-run.js";

/** Reads a file of the plan directory by its relative path. */
export type ProgramReader = (file: string) => Promise<Uint8Array>;

/** A program with all tensors of one microbatch. */
interface BoundRun {
  readonly binding: Binding;
  /** Tensors that other devices or the caller wrote. */
  readonly pulled: readonly SharedBuffer[];
  /** Tensors that other devices or the caller will read. */
  readonly pushed: readonly SharedBuffer[];
}

const PROGRAM_OF = { F: "forward", B: "backward", I: "input-grad", W: "weight-grad" } as const;

/** Everything of one device, ready to run its actions. */
export class Device {
  readonly #runs = new Map<string, readonly BoundRun[]>();
  readonly #updates: UpdateRun[] = [];
  readonly #owned: { free(): void }[] = [];
  readonly #adopted = new Map<number, SharedBuffer>();
  readonly #local = new Map<string, Buffer>();
  readonly #engine: Engine;
  readonly #memory: Uint8Array;
  readonly #plan: Plan;
  readonly #layout: Layout;

  private constructor(plan: Plan, layout: Layout, engine: Engine, memory: Uint8Array) {
    this.#plan = plan;
    this.#layout = layout;
    this.#engine = engine;
    this.#memory = memory;
  }

  /**
   * Loads the programs of device `index` and binds them.
   * Requires: `memory` holds the layout; parameters are filled in before the first run.
   */
  static async load(
    index: number,
    plan: Plan,
    layout: Layout,
    engine: Engine,
    memory: Uint8Array,
    read: ProgramReader,
  ): Promise<Device> {
    const device = new Device(plan, layout, engine, memory);
    for (const stage of plan.stages.filter((candidate) => candidate.device === index)) {
      for (const program of stage.programs) {
        const runs = device.#bind(program, await read(program.file));
        device.#runs.set(`${stage.index}.${program.kind}`, runs);
      }
      const arena = layout.arenas[stage.index];
      if (!arena || !stage.update) continue;
      device.#updates.push(new UpdateRun(await read(stage.update.file), arena, engine, memory));
    }
    return device;
  }

  /** Runs one action. A stage without a program for the phase has nothing to do. */
  run({ stage, phase, microbatch }: PlanAction): void {
    const run = this.#runs.get(`${stage}.${PROGRAM_OF[phase]}`)?.[microbatch];
    if (!run) return;
    for (const buffer of run.pulled) buffer.pull();
    run.binding.run();
    for (const buffer of run.pushed) buffer.push();
  }

  /** Call before the first action of a step. */
  beginStep(): void {
    for (const update of this.#updates) update.begin();
  }

  /** Updates the parameters from the gradient sums and sets the sums to zero. */
  update(scalars: StepScalars): void {
    for (const update of this.#updates) update.run(scalars);
  }

  /** Sets the gradient sums to zero without an update. */
  clearGradients(): void {
    for (const update of this.#updates) update.clearGradients();
  }

  /** Brings parameters, gradient sums and states from the shared memory to the device. */
  pullState(): void {
    for (const buffer of this.#adopted.values()) buffer.pull();
  }

  /** Brings parameters, gradient sums and states from the device to the shared memory. */
  pushState(): void {
    for (const buffer of this.#adopted.values()) buffer.push();
  }

  free(): void {
    for (const item of this.#owned.reverse()) item.free();
    for (const update of this.#updates) update.free();
  }

  #bind(program: StageProgram, model: Uint8Array): readonly BoundRun[] {
    const loaded = this.#engine.load(model);
    const runs = Array.from({ length: this.#plan.microbatches }, (_, microbatch): BoundRun => {
      const buffers = (ports: readonly Port[]): Map<string, Buffer> =>
        new Map(ports.map((port) => [port.tensor, this.#bufferAt(port, microbatch)]));
      const inputs = buffers(program.inputs);
      const outputs = buffers(program.outputs);
      const binding = loaded.bind(inputs, outputs);
      this.#owned.push(binding);
      return {
        binding,
        pulled: this.#exchanged(program.inputs, inputs),
        pushed: this.#exchanged(program.outputs, outputs),
      };
    });
    this.#owned.unshift(loaded);
    return runs;
  }

  /** The buffers that others write or read while the step runs: not those that stay on the device. */
  #exchanged(ports: readonly Port[], buffers: ReadonlyMap<string, Buffer>): readonly SharedBuffer[] {
    return ports.flatMap((port) => {
      if (port.at === "param" || port.at === "accumulator") return [];
      const buffer = buffers.get(port.tensor)!;
      return "pull" in buffer ? [buffer as SharedBuffer] : [];
    });
  }

  #bufferAt(port: Port, microbatch: number): Buffer {
    const { inputs, results, params, gradSums } = this.#layout;
    switch (port.at) {
      case "param":
        return this.#adopt(params.get(port.param), this.#parameterType(port.param), port.tensor);
      case "accumulator":
        return this.#adopt(gradSums.get(port.param), this.#parameterType(port.param), port.tensor);
      case "input":
        return this.#adopt(
          inputs.get(port.tensor)?.[microbatch],
          typeNamed(this.#plan.inputs, port.tensor),
          port.tensor,
        );
      case "result": {
        const name = port.tensor.slice(0, -"/result".length);
        return this.#adopt(results.get(name)?.[microbatch], typeNamed(this.#plan.results, name), port.tensor);
      }
      case "slot":
        return this.#slotBuffer(port.tensor, microbatch);
    }
  }

  #slotBuffer(tensor: string, microbatch: number): Buffer {
    const group = this.#plan.slotGroups.find(({ values }) => values.some(({ name }) => name === tensor));
    invariant(group, `no slot group holds ${tensor}`);
    const type = typeNamed(group.values, tensor);
    const slot = group.slotOf[microbatch]!;
    const shared = this.#layout.slots.get(tensor);
    if (shared) return this.#adopt(shared[slot], type, tensor);
    const key = `${slot}:${tensor}`;
    const known = this.#local.get(key);
    if (known) return known;
    const buffer = this.#engine.allocate(type);
    this.#local.set(key, buffer);
    this.#owned.unshift(buffer);
    return buffer;
  }

  #parameterType(name: string): TensorType {
    return typeNamed(this.#plan.parameters, name);
  }

  #adopt(region: Region | undefined, type: TensorType, tensor: string): SharedBuffer {
    invariant(region, `the layout has no place for ${tensor}`);
    const known = this.#adopted.get(region.offset);
    if (known && region.length > 0) return known;
    const buffer = this.#engine.adopt(this.#memory.subarray(region.offset, region.offset + region.length), type);
    this.#adopted.set(region.offset, buffer);
    this.#owned.unshift(buffer);
    return buffer;
  }
}

function typeNamed(specs: readonly (TensorType & { readonly name: string })[], name: string): TensorType {
  const found = specs.find((item) => item.name === name);
  invariant(found, `the plan has no tensor ${name}`);
  return { dtype: found.dtype, shape: found.shape };
}
