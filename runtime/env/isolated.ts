/** @file Work that may never end, in a thread that is ended past its time or its memory: what libraries make of hostile bytes. */
import { moduleUrl, startThread } from "./module-loader.js";
import type { SentError } from "./sent-error.js";
import { receivedError } from "./sent-error.js";

/** What the thread is started with. `module` exports `run`. */
export interface IsolatedStart {
  readonly module: string;
  readonly argument: unknown;
}

/** What the thread answers, once. */
export type IsolatedAnswer = { readonly result: unknown } | SentError;

/** How long the thread may take from its start, and how large its heap may get. */
export interface IsolatedLimits {
  readonly patienceMs: number;
  readonly heapMiB: number;
}

/** Why there is no answer. */
export class IsolatedLoss extends Error {}

/**
 * What `run(argument)` of the module gives, run in a thread of its own. The argument is copied.
 * Ensures: the thread is gone when this settles.
 * @param module file URL, with ".js" as imports have it.
 * @throws what `run` throws; IsolatedLoss when it takes too long, needs too much memory or ends without an answer.
 */
export async function runIsolated(module: string, argument: unknown, limits: IsolatedLimits): Promise<unknown> {
  const worker = startThread("./isolated-main.js", {
    workerData: { module: moduleUrl(module, import.meta.url), argument } satisfies IsolatedStart,
    resourceLimits: { maxOldGenerationSizeMb: limits.heapMiB },
  });
  let alarm: NodeJS.Timeout | undefined;
  try {
    const answer = await new Promise<IsolatedAnswer>((resolve, reject) => {
      const lose = (why: string): void => reject(new IsolatedLoss(why));
      alarm = setTimeout(() => lose(`it takes longer than ${limits.patienceMs / 1000} s`), limits.patienceMs);
      worker.on("message", resolve);
      worker.on("error", (error: Error & { code?: string }) => {
        const full = error.code === "ERR_WORKER_OUT_OF_MEMORY";
        lose(full ? `it needs more than ${limits.heapMiB} MiB of memory` : error.message);
      });
      worker.on("exit", () => lose("it ended without an answer"));
    });
    if ("result" in answer) return answer.result;
    throw receivedError(answer);
  } finally {
    clearTimeout(alarm);
    await worker.terminate();
  }
}
