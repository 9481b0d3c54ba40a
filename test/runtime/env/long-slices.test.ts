/** @file How the system schedules a child that takes long slices. */
import { execFileSync } from "node:child_process";
import { getPriority, setPriority } from "node:os";
import { describe, expect, it } from "vitest";
import { nodeEnv } from "../../../runtime/env/node.js";
import { compiledUrl } from "../../support/compiled.js";
import { hasUsualPolicy, policyOf, SCHED_BATCH, sliceNsOf, tellsSlices } from "../../support/scheduling.js";

const ENTRY = compiledUrl("test/runtime/env/long-slices-child.js").href;

const LONG_NS = 100e6;
/** The highest nice value. */
const LEAST_NEEDY = 19;

/** Starts a child, prepares it, lets it take long slices and looks at it. */
async function afterTaking<T>(prepare: (pid: number) => void, look: (pid: number) => T): Promise<T> {
  const child = nodeEnv().processes.spawn(ENTRY, undefined);
  try {
    prepare(child.pid);
    await new Promise((resolve, reject) => {
      child.onMessage(resolve);
      child.onExit((end) => reject(new Error(`the child ended: ${JSON.stringify(end)}`)));
      child.send("take");
    });
    return look(child.pid);
  } finally {
    child.send("leave");
  }
}

describe.runIf(hasUsualPolicy)("a child that takes long slices (Linux, no policy chosen)", () => {
  it("computes in batches, as nice as before", async () => {
    const nice = Math.min(LEAST_NEEDY, getPriority() + 1);
    const after = await afterTaking(
      (pid) => setPriority(pid, nice),
      (pid) => ({ policy: policyOf(pid), nice: getPriority(pid) }),
    );
    expect(after).toEqual({ policy: SCHED_BATCH, nice });
  });

  it.runIf(tellsSlices)("has slices of 100 ms (on a Linux that tells them)", async () => {
    expect(await afterTaking(() => undefined, sliceNsOf)).toBe(LONG_NS);
  });

  it.runIf(tellsSlices)("keeps a policy that its user has chosen (on a Linux that tells slices)", async () => {
    const choose = (pid: number): void => void execFileSync("chrt", ["--batch", "--pid", "0", String(pid)]);
    const after = await afterTaking(choose, (pid) => ({ policy: policyOf(pid), sliceNs: sliceNsOf(pid) }));
    expect(after.policy).toBe(SCHED_BATCH);
    expect(after.sliceNs).toBeLessThan(LONG_NS);
  });
});
