/** @file What a whole run tells: lines within 80 columns, events that programs read, colours when asked for. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { pipewright } from "../support/shell.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-terminal-"));
const out = join(folder, "demo");
afterAll(() => rmSync(folder, { recursive: true }));
const demo = ["demo", "--steps", "3", "--out", out];
const ESCAPE = String.fromCharCode(27);

interface Event {
  readonly event: string;
  readonly boundMs?: number;
  readonly bottleneckMs?: number;
  readonly gap?: number;
  readonly [member: string]: unknown;
}

describe("a run", () => {
  it("keeps to 80 columns, says what it wrote and what comes next", async () => {
    const { exitCode, stdout, stderr } = await pipewright([...demo, "-v"]);
    expect(exitCode).toBe(0);
    const drawn = stdout.replaceAll(out, "demo").split("\n");
    expect(drawn.filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).toMatch(/^wrote {7}\S+\/: plan\.json, schedule\.csv/m);
    expect(stdout).toMatch(/^next {8}open \S+\/report\.html in a browser,/m);
    expect(stderr).toMatch(/^\[3\/6\] partition {2}\d+ stages, /m);
    expect(stderr).toMatch(/^ {2}\S+ m?s by \w+, bound \S+ m?s, gap \S+ %$/m);
  });

  it("gives every phase, incumbent and step as an event under --log-format ndjson", async () => {
    const { exitCode, stdout, stderr } = await pipewright([...demo, "--log-format", "ndjson", "--json"]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toHaveProperty("train");
    const events = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Event);
    const named = (name: string) => events.filter(({ event }) => event === name);
    expect(events[0]).toMatchObject({ event: "start", version: 1, command: "demo" });
    expect(events.at(-1)).toMatchObject({ event: "exit", exitCode: 0 });
    const phases = ["model", "profile", "partition", "write", "verify", "train"];
    expect(named("begin").map(({ phase }) => phase)).toEqual(phases);
    expect(named("end").map(({ phase }) => phase)).toEqual(phases);
    expect(named("step").map(({ step }) => step)).toEqual([1, 2, 3]);
    for (const { loss, stepMs, samplesPerSecond } of named("step"))
      for (const figure of [loss, stepMs, samplesPerSecond]) expect(figure).toBeGreaterThan(0);
    const incumbents = named("incumbent");
    expect(incumbents.length).toBeGreaterThan(0);
    for (const { boundMs = NaN, bottleneckMs = NaN, gap = NaN } of incumbents) {
      expect(boundMs).toBeLessThanOrEqual(bottleneckMs * (1 + 1e-9));
      expect(gap).toBeCloseTo((bottleneckMs - boundMs) / bottleneckMs, 9);
    }
    expect(named("tried").length).toBeGreaterThan(0);
    const times = events.map(({ ms }) => ms as number);
    expect(times.toSorted((a, b) => a - b)).toEqual(times);
  });

  it("has errors that are events too", async () => {
    const { exitCode, stderr } = await pipewright(["simulate", join(folder, "nowhere"), "--log-format", "ndjson"]);
    expect(exitCode).toBe(6);
    const events = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Event);
    expect(events.map(({ event }) => event)).toEqual(["start", "error", "exit"]);
    expect(events[1]).toMatchObject({ code: "FILE", exitCode: 6 });
    expect(events[2]).toMatchObject({ exitCode: 6 });
  });

  it("is painted only when that is wanted", async () => {
    const simulate = ["simulate", out];
    expect((await pipewright(simulate)).stdout).not.toContain(ESCAPE);
    expect((await pipewright([...simulate, "--color", "always"])).stdout).toContain(ESCAPE);
    expect((await pipewright([...simulate, "--color=always", "--no-color"])).stdout).not.toContain(ESCAPE);
    const wrong = await pipewright([...simulate, "--color", "alwais"]);
    expect(wrong.stderr).toBe(
      'error: --color: cannot read "alwais"; expected one of auto, always, never. Did you mean always?\n',
    );
    expect((await pipewright([...simulate, "--log-format", "xml"])).stderr).toBe(
      'error: --log-format: cannot read "xml"; expected one of text, ndjson.\n',
    );
  });
});
