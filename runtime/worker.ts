/** @file A worker: runs the stages of one device, step by step, as the coordinator says. */
import { PipewrightError } from "../compiler/errors.js";
import { Device } from "./device.js";
import { engineFor } from "./engine/registry.js";
import type { Env, Parent, SharedMemory } from "./env/env.js";
import { RowRun } from "./executor.js";
import { layoutOf } from "./layout.js";
import { readPlainFile } from "./plain-file.js";
import { Progress, StepAborted } from "./progress.js";
import { Laps } from "./step-shares.js";
import type { FromWorker, StepOrder, ToWorker, WorkerStart } from "./worker-protocol.js";

interface Running {
  readonly start: WorkerStart;
  readonly device: Device;
  readonly progress: Progress;
  readonly memory: SharedMemory;
}

/** Answers the coordinator until it says stop or goes away. */
export function serve(port: Parent): void {
  const { env } = port;
  port.takeLongSlices();
  const answer = (message: FromWorker): void => port.send(message);
  let running: Running | undefined;
  const handle = async (message: ToWorker): Promise<void> => {
    if (message.kind === "start") {
      running = await begin(env, message, (engine) => answer({ kind: "ready", engine }));
    } else if (message.kind === "step") {
      answer(runStep(env, running!, message));
    } else {
      running?.device.free();
      running?.memory.close();
      port.leave();
    }
  };
  port.onMessage((message) => {
    handle(message as ToWorker).catch((error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      answer({ kind: "failed", message: text, ...(error instanceof PipewrightError ? { code: error.code } : {}) });
    });
  });
}

async function begin(env: Env, start: WorkerStart, ready: (engine: string) => void): Promise<Running> {
  const { plan, device: index } = start;
  const memory = env.memories.open(start.memory);
  const layout = layoutOf(plan);
  const engine = engineFor(plan.devices[index]!);
  const read = (file: string): Promise<Uint8Array> => readPlainFile(env.files, start.directory, file);
  const device = await Device.load(index, plan, layout, engine, memory, read);
  const rowLengths = plan.rows.map((row) => row.length);
  ready(engine.version);
  return { start, device, memory, progress: new Progress(memory, layout, rowLengths) };
}

function runStep(env: Env, { start, device, progress }: Running, order: StepOrder): FromWorker {
  const laps = new Laps(env.clock, order.sentMs);
  const run = new RowRun(start.plan, start.device, device, progress, laps, order.step);
  if (order.pull) device.pullState();
  try {
    if (!order.isFinishOnly) {
      device.beginStep();
      laps.end("transfer");
      while (!run.isDone) run.next();
    }
    const times = run.finish(order.end);
    if (order.push) device.pushState();
    return { kind: "done", step: order.step, times };
  } catch (error) {
    if (error instanceof StepAborted) return { kind: "aborted", step: order.step };
    throw error;
  }
}
