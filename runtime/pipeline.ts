/**
 * @file A plan in operation: workers started, parameters in place, steps run on batches. The coordinator feeds inputs
 * and reads results through the shared memory; workers exchange activations and gradients among themselves.
 */
import { plainName } from "../compiler/names.js";
import { invariant, PipewrightError } from "../compiler/errors.js";
import { threadsOf } from "../compiler/cluster.js";
import { withoutStandIns } from "../compiler/plan/offers.js";
import type { Plan, PlanParameter } from "../compiler/plan/plan.js";
import type { Env, SharedMemory } from "./env/env.js";
import { hostFacts } from "./env/host.js";
import type { StepEnd } from "./executor.js";
import type { RowTimes } from "./row-times.js";
import { withStandIns } from "./row-times.js";
import { GradientSquares } from "./gradient-squares.js";
import { HangWatch } from "./hang-watch.js";
import type { Layout, Region } from "./layout.js";
import { layoutOf } from "./layout.js";
import { Progress } from "./progress.js";
import type { OnRecovery } from "./recovery.js";
import { Recovery } from "./recovery.js";
import type { WorkerSet } from "./worker-set.js";
import { floatsOf, RegionViews } from "./region-views.js";
import { startInline } from "./inline-workers.js";
import { startProcesses } from "./worker-set.js";

/** Tensors of one step: by input name, the bytes of each microbatch (one entry for inputs that all share). */
export type Batch = ReadonlyMap<string, readonly Uint8Array[]>;

/** How devices run: a child process each, or all in this thread (tests, replay, the one-device reference). */
export type PipelineMode = "process" | "inline";

export interface PipelineOptions {
  /** Lost workers that may be replaced over the whole run. Default 0: the first loss ends the run. */
  readonly restarts?: number;
  /** How long a worker that could go on may stand still before it is killed, and so lost. Left out: for ever. */
  readonly hangMs?: number;
  readonly onRecovery?: OnRecovery;
  /**
   * Cores that workers may use. Where they are fewer than the devices' threads, no device stands in for another: it would
   * take a core from one that is late. Default: those of this machine.
   */
  readonly cores?: number;
}

/** What one step gave. */
export interface StepResult {
  /** Wall time of the step, from order to the last update. */
  readonly ms: number;
  /** By device. The shares of each add up to `ms`, unless a step was run again. */
  readonly rows: readonly RowTimes[];
  /** Loss of each microbatch. */
  readonly losses: readonly number[];
  /** Norm of the mean gradient of all parameters, before it is clipped; undefined where gradients are not clipped. */
  readonly gradNorm: number | undefined;
}

/** A running plan. Close it, or its processes stay. */
export class Pipeline {
  readonly plan: Plan;
  readonly layout: Layout;
  readonly #memory: SharedMemory;
  readonly #views: RegionViews;
  readonly #workers: WorkerSet;
  readonly #recovery: Recovery;
  readonly #env: Env;
  readonly #squares: GradientSquares | undefined;
  #step = 0;
  #isPulled = false;

  private constructor(
    env: Env,
    plan: Plan,
    layout: Layout,
    memory: SharedMemory,
    workers: WorkerSet,
    recovery: Recovery,
  ) {
    this.#env = env;
    this.plan = plan;
    this.layout = layout;
    this.#memory = memory;
    this.#views = new RegionViews(memory);
    this.#workers = workers;
    this.#recovery = recovery;
    this.#squares = GradientSquares.of(plan, layout, memory);
  }

  /**
   * Starts the workers of a plan. Parameters are zero until `writeParameter` fills them in.
   * @throws TRAINING_FAULT when a worker does not start.
   */
  static async start(
    env: Env,
    directory: string,
    planned: Plan,
    mode: PipelineMode,
    options: PipelineOptions = {},
  ): Promise<Pipeline> {
    const { restarts = 0, hangMs, onRecovery, cores = hostFacts().cores } = options;
    const plan = threadsOf(planned.devices) <= cores ? planned : withoutStandIns(planned);
    const layout = layoutOf(plan);
    const memory = env.memories.create(Math.max(layout.bytes, 1));
    try {
      const rowLengths = plan.rows.map((row) => row.length);
      const progress = new Progress(memory, layout, rowLengths);
      const watchers = {
        onLost: () => progress.abort(),
        ...(hangMs === undefined
          ? {}
          : { hangWatch: new HangWatch(plan, layout, memory, progress, env.clock, hangMs) }),
      };
      const workers =
        mode === "process"
          ? await startProcesses(env, directory, plan, memory, watchers)
          : await startInline(env, directory, plan, memory);
      const recovery = new Recovery(plan, layout, memory, progress, workers, {
        restarts,
        ...(onRecovery ? { onRecovery } : {}),
      });
      return new Pipeline(env, plan, layout, memory, workers, recovery);
    } catch (error) {
      memory.close();
      throw error;
    }
  }

  /** Version of each device's engine. */
  get engines(): readonly string[] {
    return this.#workers.engines;
  }

  /**
   * Runs one step. A worker that dies is replaced and the step run again, while restarts are left; the results are the
   * same bits. @throws TRAINING_FAULT when none is left; close the pipeline then.
   */
  async step(batch: Batch, end: StepEnd): Promise<StepResult> {
    this.#feed(batch);
    const startMs = this.#env.clock.nowMs();
    const order = { kind: "step", step: this.#step, sentMs: startMs, end, pull: !this.#isPulled, push: true } as const;
    const rows = withStandIns(await this.#recovery.step(order));
    this.#step++;
    this.#isPulled = true;
    const endMs = Math.max(...rows.map(({ updateEndMs }) => updateEndMs));
    const losses = this.result(this.plan.results[0]!.name).map((loss) => floatsOf(loss)[0]!);
    return {
      ms: endMs - startMs,
      rows: rows.map((row) => waitedUntil(row, endMs)),
      losses,
      gradNorm: this.#squares?.norm,
    };
  }

  /** The first parameter whose gradient was NaN or infinite in the last step, where gradients are clipped. */
  get gradientNotFinite(): PlanParameter | undefined {
    return this.#squares?.firstNotFinite;
  }

  /** The result of every microbatch of the last step: views that the next step overwrites. */
  result(name: string): readonly Uint8Array[] {
    const regions = this.layout.results.get(name);
    invariant(regions, `the plan has no result ${name}`);
    return regions.map((region) => this.#views.of(region));
  }

  writeParameter(name: string, bytes: Uint8Array): void {
    this.#parameter(this.layout.params, name).set(bytes);
    this.#isPulled = false;
  }

  /** A view of the parameter; the next step may change it. */
  parameter(name: string): Uint8Array {
    return this.#parameter(this.layout.params, name);
  }

  /** A view of the gradient sum over the microbatches of the last step, if that step ended without update. */
  gradientSum(name: string): Uint8Array {
    return this.#parameter(this.layout.gradSums, name);
  }

  /**
   * Views of the optimizer states of a trained parameter, which the next step changes; none for another parameter. Zero
   * until the first update. Whoever writes them calls `writeParameter` afterwards, so that devices take them over.
   */
  optimizerStates(name: string): readonly Uint8Array[] {
    return (this.layout.states.get(name) ?? []).map((region) => this.#views.of(region));
  }

  /** Sets all gradient sums to zero. */
  clearGradientSums(): void {
    for (const region of this.layout.gradSums.values()) this.#views.of(region).fill(0);
    this.#isPulled = false;
  }

  async close(): Promise<void> {
    await this.#workers.stop();
    this.#memory.close();
  }

  #feed(batch: Batch): void {
    for (const input of this.plan.inputs) {
      const tensors = batch.get(input.name);
      const regions = this.layout.inputs.get(input.name)!;
      const wanted = input.batchAxis === undefined ? 1 : regions.length;
      if (tensors?.length !== wanted) {
        const got = tensors ? `${tensors.length} microbatches` : "nothing";
        throw new PipewrightError(
          "ARTEFACT_MISMATCH",
          `input ${plainName(input.name)}: the batch does not fit the plan; got ${got}, expected ${wanted} microbatches.`,
        );
      }
      for (const [index, bytes] of tensors.entries()) {
        const view = this.#views.of(regions[index]!);
        if (bytes.length !== view.length) {
          throw new PipewrightError(
            "ARTEFACT_MISMATCH",
            `input ${plainName(input.name)}: microbatch ${index} has the wrong size; got ${bytes.length} bytes, expected ${view.length}.`,
          );
        }
        view.set(bytes);
      }
    }
  }

  #parameter(regions: ReadonlyMap<string, Region>, name: string): Uint8Array {
    const region = regions.get(name);
    invariant(region, `the layout has no parameter ${name}`);
    return this.#views.of(region);
  }
}

/** A device that ends before the others waits for them. */
function waitedUntil(row: RowTimes, endMs: number): RowTimes {
  return { ...row, shares: { ...row.shares, wait: row.shares.wait + endMs - row.updateEndMs } };
}
