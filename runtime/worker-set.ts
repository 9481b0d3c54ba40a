/** @file The workers of a run: one child process per device, all told the same and awaited together. */
import { PipewrightError } from "../compiler/errors.js";
import type { Plan } from "../compiler/plan/plan.js";
import type { Child, Env, SharedMemory } from "./env/env.js";
import type { RowTimes } from "./executor.js";
import type { FromWorker, StepOrder, ToWorker } from "./worker-protocol.js";

/** Workers that run steps together. */
export interface WorkerSet {
  readonly engines: readonly string[];
  /** Runs a step on all devices; by device. @throws TRAINING_FAULT when one fails or dies; all are then stopped. */
  step(order: StepOrder): Promise<readonly RowTimes[]>;
  stop(): Promise<void>;
}

/** How long a worker may take to go by itself before it is killed. */
const STOP_MS = 2_000;

/** Starts a child process per device and waits until all have loaded their stages. */
export async function startProcesses(
  env: Env,
  directory: string,
  plan: Plan,
  memory: SharedMemory,
): Promise<WorkerSet> {
  const set = new ProcessSet(env, plan);
  await set.start(directory, memory);
  return set;
}

/** Entry of the workers: the compiled module, or its source when this file runs from source. */
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./worker-main.ts" : "./worker-main.js", import.meta.url).href;

interface Waiter {
  readonly resolve: (message: FromWorker) => void;
  readonly reject: (error: Error) => void;
}

class ProcessSet implements WorkerSet {
  readonly engines: string[] = [];
  readonly #env: Env;
  readonly #plan: Plan;
  #children: readonly Child[] = [];
  readonly #waiters: (Waiter | undefined)[] = [];
  readonly #gone: Promise<void>[] = [];
  #isStopping = false;
  #fault: Error | undefined;

  constructor(env: Env, plan: Plan) {
    this.#env = env;
    this.#plan = plan;
  }

  async start(directory: string, memory: SharedMemory): Promise<void> {
    this.#children = this.#plan.devices.map((_, device) => this.#spawn(device));
    const answers = await this.#askAll((device) => ({
      kind: "start",
      directory,
      plan: this.#plan,
      device,
      memory: memory.name,
    }));
    for (const answer of answers) if (answer.kind === "ready") this.engines.push(answer.engine);
  }

  async step(order: StepOrder): Promise<readonly RowTimes[]> {
    const answers = await this.#askAll(() => order);
    return answers.flatMap((answer) => (answer.kind === "done" ? [answer.times] : []));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    if (!this.#fault) for (const child of this.#children) child.send({ kind: "stop" } satisfies ToWorker);
    const all = Promise.all(this.#gone);
    await Promise.race([all, this.#env.clock.sleep(STOP_MS)]);
    this.#killAll();
    await all;
  }

  #spawn(device: number): Child {
    const child = this.#env.processes.spawn(ENTRY, undefined);
    child.onMessage((message) => {
      const answer = message as FromWorker;
      const waiter = this.#waiters[device];
      this.#waiters[device] = undefined;
      if (answer.kind === "failed") this.#fail(this.#describe(device, `failed: ${answer.message}`));
      else waiter?.resolve(answer);
    });
    this.#gone.push(
      new Promise((resolve) => {
        child.onExit(({ code, signal }) => {
          resolve();
          const how = signal ? `was killed by ${signal}` : `ended with exit code ${code}`;
          if (!this.#isStopping) this.#fail(this.#describe(device, how));
        });
      }),
    );
    return child;
  }

  #askAll(message: (device: number) => ToWorker): Promise<readonly FromWorker[]> {
    if (this.#fault) return Promise.reject(this.#fault);
    return Promise.all(
      this.#children.map(
        (child, device) =>
          new Promise<FromWorker>((resolve, reject) => {
            this.#waiters[device] = { resolve, reject };
            child.send(message(device));
          }),
      ),
    );
  }

  #describe(device: number, how: string): PipewrightError {
    const stages = this.#plan.stages.filter((stage) => stage.device === device).map(({ index }) => index);
    const name = `stage${stages.length > 1 ? "s" : ""} ${stages.join(", ")}`;
    const message = `${name}: the worker on device ${device} ${how}. Training stopped; the last checkpoint is unharmed.`;
    return new PipewrightError("TRAINING_FAULT", message, { device, stages });
  }

  /** Stops everything at the first fault; later ones are its consequences. */
  #fail(error: Error): void {
    if (this.#fault) return;
    this.#fault = error;
    this.#killAll();
    for (const waiter of this.#waiters) waiter?.reject(error);
  }

  #killAll(): void {
    this.#isStopping = true;
    for (const child of this.#children) child.kill();
  }
}
