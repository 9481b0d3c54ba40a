/** @file The workers of a run: one child process per device. Says what became of each; decides nothing. */
import { PipewrightError } from "../compiler/errors.js";
import type { Plan } from "../compiler/plan/plan.js";
import type { Child, Env, SharedMemory } from "./env/env.js";
import { moduleUrl } from "./env/module-loader.js";
import type { RowTimes } from "./row-times.js";
import type { HangWatch } from "./hang-watch.js";
import type { FromWorker, StepOrder, ToWorker } from "./worker-protocol.js";

/** How a device ended its part of a step. */
export type DeviceOutcome =
  | { readonly kind: "done"; readonly times: RowTimes }
  /** It stopped because another device was lost. */
  | { readonly kind: "aborted" }
  /** Its worker is gone. */
  | { readonly kind: "lost"; readonly error: PipewrightError };

/** Workers that run steps together. */
export interface WorkerSet {
  readonly engines: readonly string[];
  /** Runs a step on some devices; outcomes in their order. @throws TRAINING_FAULT when a worker reports an error. */
  run(devices: readonly number[], order: StepOrder): Promise<readonly DeviceOutcome[]>;
  /** Starts a new worker for a device whose worker is gone. */
  replace(device: number): Promise<void>;
  /** Ends all workers; none is left when it resolves. */
  stop(): Promise<void>;
}

/** How long a worker may take to go by itself before it is killed. */
const STOP_MS = 2_000;

const ENTRY = moduleUrl("./worker-main.js", import.meta.url);

/** What watches over child processes. */
export interface Watchers {
  /** Told at once when a worker is gone or asked although it is gone: others may wait for it. */
  readonly onLost: () => void;
  /** Left out: a worker may stand still for ever. */
  readonly hangWatch?: HangWatch;
}

/**
 * Starts a child process per device and waits until all have loaded their stages. A worker that hangs is killed, and
 * so lost.
 * @throws TRAINING_FAULT when one does not start.
 */
export async function startProcesses(
  env: Env,
  directory: string,
  plan: Plan,
  memory: SharedMemory,
  watchers: Watchers,
): Promise<WorkerSet> {
  const set = new ProcessSet(env, directory, plan, memory, watchers);
  try {
    await Promise.all(plan.devices.map((_, device) => set.replace(device)));
  } catch (error) {
    await set.stop();
    throw error;
  }
  return set;
}

type Answer = FromWorker | { readonly kind: "lost"; readonly error: PipewrightError };

/** A child process and who waits for its next message. */
interface Worker {
  readonly child: Child;
  readonly gone: Promise<void>;
  lost: PipewrightError | undefined;
  /** Why it was killed, if it was for hanging. */
  fenced: string | undefined;
  waiter: ((answer: Answer) => void) | undefined;
}

class ProcessSet implements WorkerSet {
  readonly engines: string[] = [];
  readonly #env: Env;
  readonly #directory: string;
  readonly #plan: Plan;
  readonly #memory: SharedMemory;
  readonly #watchers: Watchers;
  readonly #workers: Worker[] = [];
  #isStopping = false;

  constructor(env: Env, directory: string, plan: Plan, memory: SharedMemory, watchers: Watchers) {
    this.#env = env;
    this.#directory = directory;
    this.#plan = plan;
    this.#memory = memory;
    this.#watchers = watchers;
  }

  async replace(device: number): Promise<void> {
    this.#workers[device] = this.#spawn(device);
    const { name: memory } = this.#memory;
    const answer = await this.#ask(device, {
      kind: "start",
      directory: this.#directory,
      plan: this.#plan,
      device,
      memory,
    });
    if (answer.kind === "lost") throw answer.error;
    if (answer.kind === "failed") throw this.#failure(device, answer);
    if (answer.kind === "ready") this.engines[device] = answer.engine;
  }

  async run(devices: readonly number[], order: StepOrder): Promise<readonly DeviceOutcome[]> {
    return Promise.all(
      devices.map(async (device): Promise<DeviceOutcome> => {
        const endWatch = this.#watchers.hangWatch?.begin(device, order.step, (ms) => this.#fence(device, ms));
        const answer = await this.#ask(device, order);
        endWatch?.();
        if (answer.kind === "failed") throw this.#failure(device, answer);
        if (answer.kind === "done") return { kind: "done", times: answer.times };
        return answer.kind === "lost" ? answer : { kind: "aborted" };
      }),
    );
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const { child, lost, waiter } of this.#workers)
      if (!lost && !waiter) child.send({ kind: "stop" } satisfies ToWorker);
    const all = Promise.all(this.#workers.map(({ gone }) => gone));
    const isIdle = this.#workers.every(({ waiter }) => !waiter);
    if (isIdle) await Promise.race([all, this.#env.clock.sleep(STOP_MS)]);
    for (const { child } of this.#workers) child.kill();
    await all;
  }

  /** Kills a worker that hangs; its end makes it lost. */
  #fence(device: number, standstillMs: number): void {
    const worker = this.#workers[device]!;
    worker.fenced = `made no progress for ${(standstillMs / 1_000).toFixed(1)} s and was stopped`;
    worker.child.kill();
  }

  #spawn(device: number): Worker {
    const child = this.#env.processes.spawn(ENTRY, undefined);
    let resolveGone: () => void = () => undefined;
    const gone = new Promise<void>((resolve) => (resolveGone = resolve));
    const worker: Worker = { child, gone, lost: undefined, fenced: undefined, waiter: undefined };
    const answer = (message: Answer): void => {
      const { waiter } = worker;
      worker.waiter = undefined;
      waiter?.(message);
    };
    child.onMessage((message) => answer(message as FromWorker));
    child.onExit(({ code, signal }) => {
      const ended = code === null ? "did not start" : `ended with exit code ${code}`;
      const how = signal ? `was killed by ${signal}` : ended;
      worker.lost = this.#fault(device, worker.fenced ?? how);
      if (!this.#isStopping) this.#watchers.onLost();
      answer({ kind: "lost", error: worker.lost });
      resolveGone();
    });
    return worker;
  }

  #ask(device: number, message: ToWorker): Promise<Answer> {
    const worker = this.#workers[device]!;
    if (worker.lost) {
      this.#watchers.onLost();
      return Promise.resolve({ kind: "lost", error: worker.lost });
    }
    return new Promise((resolve) => {
      worker.waiter = resolve;
      worker.child.send(message);
    });
  }

  #failure(device: number, { message }: { readonly message: string }): PipewrightError {
    return this.#fault(device, `failed: ${message.replace(/\.$/, "")}`);
  }

  #fault(device: number, how: string): PipewrightError {
    const stages = this.#plan.stages.filter((stage) => stage.device === device).map(({ index }) => index);
    const name = `stage${stages.length > 1 ? "s" : ""} ${stages.join(", ")}`;
    const message = `${name}: the worker on device ${device} ${how}. Training stopped; run it again from the plan.`;
    return new PipewrightError("TRAINING_FAULT", message, { device, stages });
  }
}
