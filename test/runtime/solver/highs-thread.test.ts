/** @file The solver thread: same answers as in-process, survives crash, stall and kill. */
import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { instanceOf } from "../../../compiler/partition/instance.js";
import { partitionMilp } from "../../../compiler/partition/milp-model.js";
import { partition } from "../../../compiler/partition/partition.js";
import { inlineHighs } from "../../../compiler/partition/solvers/highs.js";
import { threadedHighs } from "../../../runtime/solver/highs-thread.js";
import { wide } from "../../compiler/partition/problems.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-solver-"));
afterAll(() => rmSync(folder, { recursive: true }));

function entryOf(name: string, body: string): URL {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `import { parentPort } from "node:worker_threads";\nparentPort.on("message", ({ job }) => { ${body} });\n`,
  );
  return pathToFileURL(file);
}

describe("threadedHighs", () => {
  it("gives the answer of HiGHS in this thread", async () => {
    const solver = threadedHighs();
    const inline = await partition(wide("direct"), { method: "milp", solver: inlineHighs() });
    const threaded = await partition(wide("direct"), { method: "milp", solver });
    await solver.close();
    expect(threaded).toEqual(inline);
    expect(threaded.certificate.status).toBe("optimal");
  });

  it.each([
    ["crashes", "process.exit(3)", /ended with code 3/],
    ["throws", "throw new Error('abort()')", /abort\(\)/],
    ["stalls", "for (;;) {}", /no answer in 400 ms/],
    ["exits quietly", "process.exit(0)", /ended with code 0/],
    ["rejects", "Promise.reject(new Error('unreachable'))", /unreachable/],
    ["runs out of memory", "const hoard = []; for (;;) hoard.push(new Array(1e6).fill(hoard.length))", /memory|code/],
    ["answers rubbish", "parentPort.postMessage(null); parentPort.postMessage(7)", /no answer in 400 ms/],
    ["answers another job", "parentPort.postMessage({ job: job + 1, result: {} })", /no answer in 400 ms/],
    ["answers no result", "parentPort.postMessage({ job })", /no answer/],
    ["closes its port", "parentPort.close()", /ended with code 0/],
    ["reports an error", "parentPort.postMessage({ job, error: 'out of memory' })", /out of memory/],
  ])("leaves the heuristic plan when the thread %s", async (name, body, fault) => {
    const solver = threadedHighs({
      entry: entryOf(name.replace(/ /g, "-"), body),
      silenceMs: fault.source.startsWith("no answer") ? 400 : 300_000,
      maxHeapMiB: 64,
    });
    const faults: string[] = [];
    const heuristic = await partition(wide("direct"), { method: "slicing", solver: undefined });
    const answer = await partition(wide("direct"), { method: "milp", solver, onFault: (text) => faults.push(text) });
    await solver.close();
    expect(faults).toEqual([expect.stringMatching(fault)]);
    expect(answer).toEqual(heuristic);
  });

  it("ends a solve without a fault when it is told to stop, and begins no other", async () => {
    const stop = new AbortController();
    const solver = threadedHighs({ entry: entryOf("endless", "for (;;) {}"), signal: stop.signal });
    const heuristic = await partition(wide("direct"), { method: "slicing", solver: undefined });
    setTimeout(() => stop.abort(), 50);
    for (let run = 0; run < 2; run++)
      expect(await partition(wide("direct"), { method: "milp", solver, onFault: expect.fail })).toEqual(heuristic);
    await solver.close();
  });

  it("kills a solve some time after its time limit", async () => {
    const solver = threadedHighs({ entry: entryOf("deaf", "for (;;) {}"), graceMs: 100 });
    const model = partitionMilp(instanceOf(wide("direct")), {
      windows: { first: new Int32Array(9), last: new Int32Array(9).fill(2) },
      cutoffMs: 100,
      boundMs: 0,
    }).model;
    await expect(solver.solve(model, { relativeGap: 0, timeLimitMs: 100 })).rejects.toThrow("no answer in 200 ms");
    await solver.close();
  });
});
