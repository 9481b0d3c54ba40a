/** @file Starts a child of every kind from TypeScript sources: a process, a thread, an isolated function, a solver. */
import { instanceOf } from "../../../compiler/partition/instance.js";
import { partitionMilp } from "../../../compiler/partition/milp-model.js";
import type { Env } from "../../../runtime/env/env.js";
import { runIsolated } from "../../../runtime/env/isolated.js";
import { nodeEnv } from "../../../runtime/env/node.js";
import { threadEnv } from "../../../runtime/env/thread.js";
import { threadedHighs } from "../../../runtime/solver/highs-thread.js";
import { wide } from "../../compiler/partition/problems.js";

const ENTRY = new URL("../../contract/env-child.ts", import.meta.url).href;

/** How a child ended that was asked to leave once it had said something. */
async function outcome(env: Env): Promise<unknown> {
  const child = env.processes.spawn(ENTRY, { role: "echo" });
  const ended = new Promise((resolve) => child.onExit(resolve));
  child.onMessage(() => child.send("leave"));
  return ended;
}

const solver = threadedHighs();
const { model } = partitionMilp(instanceOf(wide("direct")), {
  windows: { first: new Int32Array(9), last: new Int32Array(9).fill(2) },
  cutoffMs: 100,
  boundMs: 0,
});
const { status } = await solver.solve(model, { relativeGap: 0 });
await solver.close();
const isolated = runIsolated(new URL("./isolated-echo.js", import.meta.url).href, 7, {
  patienceMs: 60_000,
  heapMiB: 64,
});
const [child, thread] = [await outcome(nodeEnv()), await outcome(threadEnv())];
process.stdout.write(JSON.stringify({ process: child, thread, isolated: await isolated, status }));
