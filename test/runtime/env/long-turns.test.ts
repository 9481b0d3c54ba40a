/** @file How the system schedules a child that takes long turns. */
import { existsSync } from "node:fs";
import { release } from "node:os";
import { describe, expect, it } from "vitest";
import { nodeEnv } from "../../../runtime/env/node.js";
import { compiledUrl } from "../../support/compiled.js";

const ENTRY = compiledUrl("test/runtime/env/long-turns-child.js").href;

/** Numbers of Linux. */
const [SCHED_BATCH, SCHED_IDLE] = [3, 5];
const TURN_NS = "100000000";

function scheduled(before: {
  readonly nice: number;
  readonly isIdle: boolean;
  readonly tellsTurn: boolean;
}): Promise<unknown> {
  return new Promise((resolve) => nodeEnv().processes.spawn(ENTRY, before).onMessage(resolve));
}

const [major = 0, minor = 0] = release().split(".").map(Number);
/** Linux 6.12 and later, when built to tell. */
const tellsTurn = (major > 6 || (major === 6 && minor >= 12)) && existsSync("/proc/self/sched");

describe.runIf(process.platform === "linux")("a child that takes long turns", () => {
  it("computes in batches, as nice as before", async () => {
    const after = { policy: SCHED_BATCH, nice: 3 };
    expect(await scheduled({ nice: 3, isIdle: false, tellsTurn: false })).toEqual(after);
  });

  it.runIf(tellsTurn)("has turns of 100 ms (a Linux that tells its turns)", async () => {
    const after = { policy: SCHED_BATCH, nice: 0, turnNs: TURN_NS };
    expect(await scheduled({ nice: 0, isIdle: false, tellsTurn })).toEqual(after);
  });

  it("keeps a policy that its user has chosen", async () => {
    const after = { policy: SCHED_IDLE, nice: 0 };
    expect(await scheduled({ nice: 0, isIdle: true, tellsTurn: false })).toEqual(after);
  });
});
