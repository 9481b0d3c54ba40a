/** @file First module of a thread that `runIsolated` starts: runs one function and answers with what it gives. */
import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "../../compiler/errors.js";
import type { IsolatedAnswer, IsolatedStart } from "./isolated.js";
import { sentError } from "./sent-error.js";

const port = parentPort;
invariant(port, "isolated-main is not running as a worker thread");
const answer = (message: IsolatedAnswer): void => port.postMessage(message);

try {
  const { module, argument } = workerData as IsolatedStart;
  const { run } = (await import(module)) as { run: (argument: unknown) => unknown };
  answer({ result: await run(argument) });
} catch (error) {
  answer(sentError(error));
}
