/** @file One device of a plan at run time: its programs loaded, its tensors placed, every run of every microbatch bound. */
import { invariant } from "../compiler/errors.js";
import type { TensorType } from "../compiler/ir/graph.js";
import type { Phase } from "../compiler/schedule/action.js";
import type {
  Plan,
  PlanAction,
  PlanParameter,
  PlanStage,
  Port,
  ProgramKind,
  SlotGroup,
  StageProgram,
} from "../compiler/plan/plan.js";
import { resultIn } from "../compiler/plan/result-port.js";
import { PHASE_OF } from "../compiler/plan/runs.js";
import { clipFactor } from "../compiler/optimizer/gradient-norm.js";
import { stepScalars } from "../compiler/optimizer/update.js";
import type { Binding, Buffer, Engine, SharedBuffer } from "./engine/engine.js";
import type { SharedMemory } from "./env/env.js";
import { GradientSquares } from "./gradient-squares.js";
import type { Layout, Region } from "./layout.js";
import { floatsOf, RegionViews } from "./region-views.js";
import { SlabJournal } from "./slab-journal.js";
import { StandIn } from "./stand-in.js";
import type { UpdatePiece } from "./update-run.js";
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

const RUN_OF: Readonly<Record<ProgramKind, Phase | "add">> = { ...PHASE_OF, add: "add" };

/** The runs of a stage, by phase and microbatch; what adds gradients of another copy of the model has no phase. */
type StageRuns = Partial<Record<Phase | "add", readonly (BoundRun | undefined)[]>>;

/** What one action does, in order. */
interface ActionRuns {
  readonly bindings: readonly Binding[];
  /** As in `BoundRun`; none on a CPU, where tensors lie in the shared memory. */
  readonly pulled: readonly SharedBuffer[];
  readonly pushed: readonly SharedBuffer[];
}

/** Everything of one device, ready to run its actions. */
export class Device {
  /** By action of the device's row, or of another: between two runs of the engine caches are cold, so little is looked up there. */
  readonly #actions = new Map<PlanAction, ActionRuns>();
  /** By stage; undefined for the stages of other devices. */
  readonly #runs: (StageRuns | undefined)[] = [];
  readonly #updates: UpdateRun[] = [];
  readonly #owned: { free(): void }[] = [];
  /** By offset in the shared memory. */
  readonly #adopted = new Map<number, SharedBuffer>();
  /** Parameters, gradient sums and optimizer states of the device's own stages. */
  readonly #state = new Set<SharedBuffer>();
  #hasRunRow = false;
  #hasUpdated = false;
  /** What the device may run of other rows. */
  readonly standIn: StandIn;
  /** Parameters that another device updates. */
  readonly #foreign = new Set<SharedBuffer>();
  readonly #local = new Map<string, Buffer>();
  readonly #engine: Engine;
  readonly #memory: SharedMemory;
  readonly #views: RegionViews;
  readonly #plan: Plan;
  readonly #layout: Layout;
  readonly #parameters: ReadonlyMap<string, PlanParameter>;
  /** By name of a value that programs hand to each other. */
  readonly #slotGroups: ReadonlyMap<string, SlotGroup>;
  /** Where gradients are clipped. */
  readonly #squares: GradientSquares | undefined;

  private constructor(index: number, plan: Plan, layout: Layout, engine: Engine, memory: SharedMemory) {
    this.standIn = new StandIn(plan, index, layout.offers);
    this.#plan = plan;
    this.#layout = layout;
    this.#engine = engine;
    this.#memory = memory;
    this.#views = new RegionViews(memory);
    this.#squares = GradientSquares.of(plan, layout, memory);
    this.#parameters = new Map(plan.parameters.map((item) => [item.name, item]));
    this.#slotGroups = new Map(
      plan.slotGroups.flatMap((group) => group.values.map(({ name }) => [name, group] as const)),
    );
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
    memory: SharedMemory,
    read: ProgramReader,
  ): Promise<Device> {
    const device = new Device(index, plan, layout, engine, memory);
    for (const stage of plan.stages.filter((candidate) => candidate.device === index)) {
      const runs: StageRuns = {};
      for (const program of stage.programs) {
        const microbatches = microbatchesOf(plan.rows[index]!, stage.index, program.kind);
        runs[RUN_OF[program.kind]] = device.#bind(index, program, await read(program.file), microbatches);
      }
      device.#runs[stage.index] = runs;
      if (stage.update) device.#updates.push(device.#updateOf(stage, await read(stage.update.file)));
    }
    for (const action of plan.rows[index]!)
      device.#actions.set(action, device.#prepared(action, device.#runs[action.stage]));
    await device.#loadForeign(index, read);
    return device;
  }

  /**
   * Most bytes that the device has held: parameters with their sums and states, the slots of what its stages make, and
   * what programs took while they ran.
   */
  get peakBytes(): number {
    const { arenas, params, slots } = this.#layout;
    const own = new Set(this.#runs.flatMap((runs, stage) => (runs ? [stage] : [])));
    const regions: Region[] = [];
    for (const stage of own) {
      const arena = arenas[stage];
      if (arena) regions.push(arena.params, arena.gradSums, ...arena.states, arena.undo);
    }
    for (const [name, region] of params) {
      const { stage, trainable } = this.#parameter(name);
      if (own.has(stage) && !trainable) regions.push(region);
    }
    for (const { stage, values } of this.#plan.slotGroups)
      if (own.has(stage)) for (const { name } of values) regions.push(...(slots.get(name) ?? []));
    const shared = regions.reduce((sum, { length }) => sum + length, 0);
    const local = [...this.#local.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    return shared + local + this.#engine.workspacePeakBytes;
  }

  /** Brings what an action reads to the device, and says whether there was anything: nothing on a CPU. */
  pull(action: PlanAction): boolean {
    const { pulled } = this.#actions.get(action)!;
    for (const buffer of pulled) buffer.pull();
    return pulled.length > 0;
  }

  /** Runs one action of the row. A stage without a program for the phase has nothing to do. */
  run(action: PlanAction): void {
    for (const binding of this.#actions.get(action)!.bindings) binding.run();
  }

  /** Brings what others read of an action to the shared memory, and says whether there was anything: nothing on a CPU. */
  push(action: PlanAction): boolean {
    const { pushed } = this.#actions.get(action)!;
    for (const buffer of pushed) buffer.push();
    return pushed.length > 0;
  }

  /** Call before the first action of a step. */
  beginStep(): void {
    for (const buffer of this.#foreign) buffer.pull();
    for (const update of this.#updates) update.begin();
  }

  /** Whether the engine has got the memory that the device's own programs need: its row and the update have run once. */
  get hasRunAll(): boolean {
    return this.#hasRunRow && this.#hasUpdated;
  }

  /** Call after the last action of the row: tells the other devices what the norm of all gradients needs to know. */
  endRow(): void {
    this.#hasRunRow = true;
    if (!this.#squares) return;
    for (const { name, stage, trainable } of this.#plan.parameters) {
      if (!trainable || !this.#runs[stage]) continue;
      const region = this.#layout.gradSums.get(name)!;
      this.#adopted.get(region.offset)!.push();
      this.#squares.note(name, floatsOf(this.#views.of(region)));
    }
  }

  /**
   * Makes the optimizer's update number `step` from the gradient sums, and sets the sums to zero. Requires: every device
   * has finished its row.
   */
  update(step: number): void {
    const { optimizer, microbatches } = this.#plan;
    const { clipNorm, groups = [] } = optimizer;
    const factor = this.#squares && clipNorm !== undefined ? clipFactor(this.#squares.norm, clipNorm) : 1;
    for (const update of this.#updates)
      update.run((group) =>
        stepScalars(optimizer, step, factor / microbatches, group === undefined ? undefined : groups[group]),
      );
    this.#hasUpdated = true;
  }

  /** False when the loss of a microbatch or the norm of the gradients is NaN or infinite. Requires: as for `update`. */
  get isStepFinite(): boolean {
    const losses = this.#layout.results.get(this.#plan.results[0]!.name)!.map((region) => this.#views.of(region));
    return losses.every((loss) => Number.isFinite(floatsOf(loss)[0])) && Number.isFinite(this.#squares?.norm ?? 0);
  }

  /** Sets the gradient sums to zero without an update. */
  clearGradients(): void {
    for (const update of this.#updates) update.clearGradients();
  }

  /** Brings parameters, gradient sums and states from the shared memory to the device. */
  pullState(): void {
    for (const buffer of this.#state) buffer.pull();
  }

  /** Brings parameters, gradient sums and states from the device to the shared memory. */
  pushState(): void {
    for (const buffer of this.#state) buffer.push();
  }

  free(): void {
    for (const update of this.#updates) update.free();
    for (const item of this.#owned.reverse()) item.free();
  }

  /** Loads what the device may run of other rows. */
  async #loadForeign(index: number, read: ProgramReader): Promise<void> {
    for (const { index: stage, programs } of this.#plan.stages) {
      const actions = this.standIn.foreign.flatMap(({ action }) => (action.stage === stage ? [action] : []));
      if (actions.length === 0) continue;
      const program = programs.find(({ kind }) => kind === "weight-grad")!;
      const microbatches = new Set(actions.map(({ microbatch }) => microbatch));
      const runs = { W: this.#bind(index, program, await read(program.file), microbatches) };
      for (const action of actions) this.#actions.set(action, this.#prepared(action, runs));
    }
  }

  /** What an action adds to the sums of its stage, then what it computes. */
  #prepared({ phase, microbatch, adds = [] }: PlanAction, runs: StageRuns | undefined): ActionRuns {
    const all = [...adds.map((added) => runs?.add?.[added]), runs?.[phase]?.[microbatch]];
    const own = all.filter((run) => run !== undefined);
    const isHost = this.#engine.kind === "cpu";
    return {
      bindings: own.map(({ binding }) => binding),
      pulled: isHost ? [] : own.flatMap(({ pulled }) => pulled),
      pushed: isHost ? [] : own.flatMap(({ pushed }) => pushed),
    };
  }

  /** On a CPU the slabs of the arena, which lies in the shared memory; elsewhere the device's copy of each parameter. */
  #updateOf({ index }: PlanStage, model: Uint8Array): UpdateRun {
    const arena = this.#layout.arenas[index];
    invariant(arena, `stage ${index} has an update and nothing to update`);
    if (this.#engine.kind !== "cpu") return new UpdateRun(model, this.#parameterPieces(index), this.#engine);
    const type: TensorType = { dtype: "float32", shape: [arena.slabElements] };
    const length = arena.slabElements * 4;
    const pieces = Array.from({ length: arena.slabs }, (_, slab): UpdatePiece => {
      const at = ({ offset }: Region): Buffer => this.#adoptFresh({ offset: offset + slab * length, length }, type);
      const group = arena.groups[slab];
      return { param: at(arena.params), gradSum: at(arena.gradSums), states: arena.states.map(at), group };
    });
    return new UpdateRun(model, pieces, this.#engine, new SlabJournal(arena, this.#memory));
  }

  #parameterPieces(stage: number): readonly UpdatePiece[] {
    const { params, gradSums, states } = this.#layout;
    const trained = this.#plan.parameters.filter((item) => item.trainable && item.stage === stage);
    return trained.map(({ name, dtype, shape, group }): UpdatePiece => {
      const at = (region: Region | undefined): Buffer => this.#adoptState(region, { dtype, shape }, name);
      return { param: at(params.get(name)), gradSum: at(gradSums.get(name)), states: states.get(name)!.map(at), group };
    });
  }

  #bind(
    device: number,
    program: StageProgram,
    model: Uint8Array,
    microbatches: ReadonlySet<number>,
  ): readonly (BoundRun | undefined)[] {
    const loaded = this.#engine.load(model);
    const runs = Array.from({ length: this.#plan.microbatches }, (_, microbatch): BoundRun | undefined => {
      if (!microbatches.has(microbatch)) return undefined;
      const buffers = (ports: readonly Port[]): Map<string, Buffer> =>
        new Map(ports.map((port) => [port.tensor, this.#bufferAt(device, port, microbatch)]));
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

  #bufferAt(device: number, port: Port, microbatch: number): Buffer {
    const { inputs, results, params, gradSums } = this.#layout;
    switch (port.at) {
      case "param": {
        const { stage, dtype, shape } = this.#parameter(port.param);
        const type = { dtype, shape };
        if (this.#plan.stages[stage]!.device === device)
          return this.#adoptState(params.get(port.param), type, port.param);
        const buffer = this.#adopt(params.get(port.param), type, port.param);
        this.#foreign.add(buffer);
        return buffer;
      }
      case "accumulator": {
        const { dtype, shape } = this.#parameter(port.param);
        return this.#adoptState(gradSums.get(port.param), { dtype, shape }, port.param);
      }
      case "input":
        return this.#adopt(
          inputs.get(port.tensor)?.[microbatch],
          typeNamed(this.#plan.inputs, port.tensor),
          port.tensor,
        );
      case "result": {
        const name = resultIn(port)!;
        return this.#adopt(results.get(name)?.[microbatch], typeNamed(this.#plan.results, name), port.tensor);
      }
      case "slot":
        return this.#slotBuffer(port.tensor, microbatch);
    }
  }

  #slotBuffer(tensor: string, microbatch: number): Buffer {
    const group = this.#slotGroups.get(tensor);
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

  #parameter(name: string): PlanParameter {
    const found = this.#parameters.get(name);
    invariant(found, `the plan has no parameter ${name}`);
    return found;
  }

  #adoptState(region: Region | undefined, type: TensorType, tensor: string): SharedBuffer {
    const buffer = this.#adopt(region, type, tensor);
    this.#state.add(buffer);
    return buffer;
  }

  /** One buffer for each region, however many ports name it. */
  #adopt(region: Region | undefined, type: TensorType, tensor: string): SharedBuffer {
    invariant(region, `the layout has no place for ${tensor}`);
    const known = this.#adopted.get(region.offset);
    if (known) return known;
    const buffer = this.#adoptFresh(region, type);
    this.#adopted.set(region.offset, buffer);
    return buffer;
  }

  #adoptFresh({ offset, length }: Region, type: TensorType): SharedBuffer {
    const buffer = this.#engine.adopt(this.#memory.view(offset, length), type);
    this.#owned.unshift(buffer);
    return buffer;
  }
}

/** The microbatches for which a row runs a program of a stage: all, or those of one copy of the model. */
function microbatchesOf(row: readonly PlanAction[], stage: number, kind: ProgramKind): ReadonlySet<number> {
  const own = row.filter((action) => action.stage === stage);
  return new Set(own.flatMap(({ microbatch, adds = [] }) => (kind === "add" ? adds : [microbatch])));
}

function typeNamed(specs: readonly (TensorType & { readonly name: string })[], name: string): TensorType {
  const found = specs.find((item) => item.name === name);
  invariant(found, `the plan has no tensor ${name}`);
  return { dtype: found.dtype, shape: found.shape };
}
