/** @file A search that is interrupted, by a signal or by its time limit, writes the best plan so far; on a clock without time. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Plan } from "../../compiler/plan/plan.js";
import { modelFile } from "../../models/file.js";
import { buildMlp, MLP_LOSS } from "../../models/mlp.js";
import type { Clock } from "../../runtime/env/env.js";
import { nodeEnv } from "../../runtime/env/node.js";
import type { ShellRun } from "../support/shell.js";
import { pipewright } from "../support/shell.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-interrupted-"));
const model = join(folder, "model.onnx");
beforeAll(() => writeFileSync(model, modelFile(buildMlp({ batch: 4, inputs: 8, widths: [8, 8, 8], classes: 3 }))));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the search tried, and the step of the plan on disk. */
interface Searched {
  readonly tried: number;
  readonly placed: readonly number[];
  readonly stepMs: number;
}

function searched(out: string): Searched {
  const read = (name: string): unknown => JSON.parse(readFileSync(join(out, name), "utf8"));
  const { attempts } = read("search.json") as { attempts: { status: string; makespanMs?: number }[] };
  const { schedule } = read("plan.json") as Plan;
  const placed = attempts.filter(({ status }) => ["optimal", "feasible"].includes(status));
  return {
    tried: attempts.length,
    placed: placed.map(({ makespanMs }) => makespanMs!),
    stepMs: schedule.forecast.makespanMs,
  };
}

let runs = 0;

/** `pipewright partition` on a clock that moves 60 ms whenever it is read. */
async function partitioned(
  words: readonly string[],
  sleep: () => void,
  signal = new AbortController().signal,
): Promise<ShellRun & { readonly out: string }> {
  let nowMs = 0;
  const clock: Clock = { nowMs: () => (nowMs += 60), sleep: async () => sleep() };
  const out = join(folder, `plan${runs++}`);
  const fixed = ["partition", model, "--loss", MLP_LOSS, "--devices", "1xcpu,1xcpu*0.5", "-o", out];
  const makeEnv = async () => ({ ...nodeEnv(), clock });
  return { out, ...(await pipewright([...fixed, ...words], { makeEnv, signal })) };
}

describe("an interrupt", () => {
  it.each([0, 3, 12, 48])("at pause %i ends with the best plan so far", async (at) => {
    const control = new AbortController();
    let pauses = 0;
    const { exitCode, out } = await partitioned(
      ["--analytic"],
      () => {
        if (pauses++ === at) control.abort("SIGINT");
      },
      control.signal,
    );
    expect(exitCode).toBe(130);
    const { placed, stepMs } = searched(out);
    expect(stepMs).toBe(Math.min(...placed));
    if (at < 12) expect(placed).toHaveLength(1);
  });
});

describe("an interrupt while the model is profiled", () => {
  it.each([
    ["SIGINT", 0, 130],
    ["SIGTERM", 2, 143],
  ] as const)("by %s at pause %i ends at once, with nothing written", async (name, at, code) => {
    const control = new AbortController();
    let pauses = 0;
    const sleep = (): void => void (pauses++ === at && control.abort(name));
    const { exitCode, out, stderr } = await partitioned([], sleep, control.signal);
    expect(exitCode).toBe(code);
    expect(stderr).toContain(`profile: it was stopped by ${name}; nothing was written.`);
    expect(existsSync(out)).toBe(false);
    expect(pauses).toBe(at + 1);
  });
});

describe("--time-limit", () => {
  it("ends the search of schedules, and a longer one finds no worse plan", async () => {
    const steps: number[] = [];
    for (const limit of ["1s", "5s", "1h"]) {
      const { exitCode, out } = await partitioned(["--analytic", "--time-limit", limit], () => undefined);
      expect(exitCode).toBe(0);
      const { placed, stepMs } = searched(out);
      expect(stepMs).toBe(Math.min(...placed));
      steps.push(stepMs);
    }
    expect(steps).toEqual([...steps].sort((a, b) => b - a));
  });
});
