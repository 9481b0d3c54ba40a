/** @file Entry of the solver thread: solves one model at a time and can be killed without harm to the rest. */
import { parentPort } from "node:worker_threads";
import { invariant } from "../../compiler/errors.js";
import { inlineHighs } from "../../compiler/partition/solvers/highs.js";
import type { SolveReply, SolveRequest } from "./messages.js";

const port = parentPort;
invariant(port, "highs-worker is not running as a worker thread");
const solver = inlineHighs();

port.on("message", ({ job, model, limits }: SolveRequest) => {
  const answer = (reply: SolveReply): void => port.postMessage(reply);
  solver.solve(model, limits).then(
    (result) => answer({ job, result }),
    (error: unknown) => answer({ job, error: error instanceof Error ? error.message : String(error) }),
  );
});
