/** @file Our schedule files in PyTorch's own engine: same gradients as one process. Needs a Python with torch. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import type { Schedule } from "../../compiler/schedule/action.js";
import { automaticSchedule } from "../../compiler/schedule/auto.js";
import { uniformLatency } from "../../compiler/schedule/costs.js";
import { fuseBackwards } from "../../compiler/schedule/fuse.js";
import { scheduleByName } from "../../compiler/schedule/registry.js";
import { writeTorchCsv } from "../../compiler/schedule/torch.js";
import { PYTHON, sayMissing, torchVersion } from "../support/torch.js";

const SCRIPT = fileURLToPath(new URL("../support/run-csv.py", import.meta.url));

const { version, missing } = torchVersion();
const folder = mkdtempSync(join(tmpdir(), "pipewright-torch-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** An order that was searched for unlike stages on a V, whole backwards and halves mixed. */
function searched(): Schedule {
  const forwardMs = [0.3, 0.5, 0.5, 0.9];
  const costs = {
    forwardMs,
    inputGradMs: forwardMs.map((ms) => 1.05 * ms),
    weightGradMs: forwardMs.map((ms) => 0.75 * ms),
    transfers: uniformLatency(4, 0.1),
  };
  const size = { devices: 2, microbatches: 8, stagesPerDevice: 2, placements: ["wave"] as const };
  return fuseBackwards(automaticSchedule(size, costs, { capacity: [6, 6], evaluations: 5_000 }).schedule, costs);
}

const size = { devices: 2, microbatches: 8 };
const SCHEDULES: readonly (readonly [string, Schedule])[] = [
  ["zb-v", scheduleByName("zb-v", size)],
  ["interleaved-1f1b", scheduleByName("interleaved-1f1b", size)],
  ["zb-h1", scheduleByName("zb-h1", size)],
  ["dualpipe-v", scheduleByName("dualpipe-v", size)],
  ["searched", searched()],
];
const CASES = SCHEDULES.flatMap(([name, schedule]) =>
  (["compute_only", "compute_comms"] as const).map((form) => ({ name: `${name}, ${form}`, form, schedule })),
);

sayMissing(missing, "our schedule files in PyTorch");

describe.skipIf(missing !== undefined)(`on two Gloo ranks of torch ${version ?? "(missing)"}`, () => {
  it("every file gives the gradients of one process, bit for bit", () => {
    const listed = CASES.map(({ name, form, schedule }, index) => {
      const file = `${index}.csv`;
      writeFileSync(join(folder, file), writeTorchCsv(schedule, { form }));
      const { stages, microbatches, devices, placement } = schedule;
      return { name, file, form, stages, microbatches, devices, placement };
    });
    writeFileSync(join(folder, "cases.json"), JSON.stringify(listed));
    const output = execFileSync(PYTHON, [SCRIPT, folder], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
    expect(JSON.parse(output.trim().split("\n").at(-1)!)).toEqual(CASES.map(({ name }) => ({ name, difference: 0 })));
  });
});
