/** @file HiGHS in a worker thread as a MilpSolver: a stall, an abort or a crash costs one solve, never the program. */
import { Worker } from "node:worker_threads";
import type { MilpLimits, MilpModel, MilpResult, MilpSolver } from "../../compiler/partition/milp.js";
import type { SolveReply, SolveRequest } from "./messages.js";

/** A solver that owns a thread. */
export interface ThreadSolver extends MilpSolver {
  /** Ends the thread. A later `solve` starts a fresh one. */
  close(): Promise<void>;
}

/** How the thread runs; all but `signal` is for tests. `graceMs`: how long after its time limit a solve may still answer. */
export interface ThreadOptions {
  /** Ends the solve that runs, and all later ones, without a result. */
  readonly signal?: AbortSignal | undefined;
  /** Module that runs in the thread; it answers SolveRequest with SolveReply. */
  readonly entry?: URL;
  /** How long a solve without a time limit may be silent: it guards against stalls and is no limit on the search. */
  readonly silenceMs?: number;
  readonly graceMs?: number;
  /** Heap of the thread, without the memory of WebAssembly. Left out: Node's own limit. */
  readonly maxHeapMiB?: number;
}

/** A solve that was stopped before it knew anything. */
const STOPPED: MilpResult = { status: "unknown", bound: -Infinity };

/** Starts the module in a thread. Sources need a loader, which is there in development; the built package is JavaScript. */
function startThread(entry: URL, maxHeapMiB: number | undefined): Worker {
  const resourceLimits = maxHeapMiB === undefined ? {} : { maxOldGenerationSizeMb: maxHeapMiB };
  const options = { name: "pipewright-solver", resourceLimits };
  if (!entry.pathname.endsWith(".ts")) return new Worker(entry, options);
  return new Worker(new URL("./source-thread.mjs", import.meta.url), { ...options, workerData: entry.href });
}

/**
 * A solver in its own thread, started at the first solve and kept warm. One solve runs at a time; others wait.
 * A solve that is silent past its limit and grace is killed with the thread and rejects; so does a crash.
 */
export function threadedHighs(options: ThreadOptions = {}): ThreadSolver {
  const built = import.meta.url.endsWith(".js");
  const entry = options.entry ?? new URL(built ? "./highs-worker.js" : "./highs-worker.ts", import.meta.url);
  const { graceMs = 5000, silenceMs = 600_000, signal } = options;
  let worker: Worker | undefined;
  let jobs = 0;
  let turn: Promise<unknown> = Promise.resolve();

  const end = async (): Promise<void> => {
    const ending = worker;
    worker = undefined;
    await ending?.terminate();
  };

  const solveNow = async (model: MilpModel, limits: MilpLimits): Promise<MilpResult> => {
    if (signal?.aborted) return STOPPED;
    worker ??= startThread(entry, options.maxHeapMiB);
    const current = worker;
    const job = jobs++;
    const { timeLimitMs } = limits;
    const patienceMs = timeLimitMs === undefined ? silenceMs : timeLimitMs + graceMs;
    return new Promise<MilpResult>((resolve, reject) => {
      const alarm = setTimeout(() => fail(`no answer in ${patienceMs} ms`), patienceMs);
      const settle = (finish: () => void): void => {
        clearTimeout(alarm);
        current.off("message", onReply);
        current.off("error", onError);
        current.off("exit", onExit);
        signal?.removeEventListener("abort", onAbort);
        current.unref();
        finish();
      };
      const fail = (reason: string): void => {
        settle(() => void end().then(() => reject(new Error(reason))));
      };
      const onReply = (reply: SolveReply | null | undefined): void => {
        if (reply?.job !== job) return;
        if (reply.error === undefined) settle(() => resolve(reply.result));
        else fail(reply.error);
      };
      const onError = (error: Error): void => fail(error.message);
      const onExit = (code: number): void => fail(`the solver thread ended with code ${code}`);
      const onAbort = (): void => settle(() => void end().then(() => resolve(STOPPED)));
      current.ref();
      current.on("message", onReply);
      current.on("error", onError);
      current.on("exit", onExit);
      signal?.addEventListener("abort", onAbort);
      const request: SolveRequest = { job, model, limits };
      current.postMessage(request);
    });
  };

  return {
    name: "highs",
    maxColumns: 60_000,
    solve(model, limits) {
      const answer = turn.then(() => solveNow(model, limits));
      turn = answer.catch(() => undefined);
      return answer;
    },
    close: end,
  };
}
