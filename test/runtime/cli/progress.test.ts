import { describe, expect, it } from "vitest";
import { EventLog, EventProgress } from "../../../runtime/cli/event-progress.js";
import type { Progress } from "../../../runtime/cli/progress.js";
import { TerminalProgress } from "../../../runtime/cli/terminal-progress.js";

const STEP = { steps: 4, loss: 0.5, learningRate: 0.1, gradNorm: undefined, ms: 8, samplesPerSecond: 2000 };

/** A run of two phases on a clock of ours. */
function tell(make: (note: (text: string) => void, clock: { nowMs(): number; sleep(): Promise<void> }) => Progress) {
  let nowMs = 0;
  let text = "";
  const progress = make((part) => void (text += part), { nowMs: () => nowMs, sleep: async () => {} });
  progress.begin("partition");
  nowMs = 100;
  progress.incumbent({ bottleneckMs: Infinity, boundMs: 7, gap: 1, method: "none" });
  nowMs = 200;
  progress.incumbent({ bottleneckMs: 8, boundMs: 7.6, gap: 0.05, method: "slicing" });
  progress.tried({ schedule: "1f1b", status: "optimal", stepMs: 80 });
  nowMs = 1200;
  progress.end("2 stages");
  progress.begin("train");
  nowMs = 2200;
  progress.step({ ...STEP, step: 1 });
  nowMs = 2300;
  progress.step({ ...STEP, step: 2, gradNorm: 3 });
  progress.note("saved: plan.checkpoints/2");
  progress.end("done");
  return text;
}

const onTerminal = (isInteractive: boolean, isVerbose: boolean, columns = 80) =>
  tell((note, clock) => {
    const terminal = { write: () => {}, note, isInteractive, color: false, columns };
    return new TerminalProgress(terminal, clock, ["partition", "train"], isVerbose);
  });

describe("TerminalProgress", () => {
  const phases = [
    `[1/2] partition  ${"2 stages".padEnd(50)} 1.20 s\n`,
    `[2/2] train      ${"done".padEnd(50)} 1.10 s\n`,
  ];

  it("is one line per phase where nobody watches", () => {
    expect(onTerminal(false, false)).toBe(`${phases[0]}saved: plan.checkpoints/2\n${phases[1]}`);
  });

  it("says more under --verbose: what was found and tried, and a step now and then", () => {
    expect(onTerminal(false, true)).toBe(
      [
        "  nothing yet, bound 7.00 ms, gap 100.0 %\n",
        "  8.00 ms by slicing, bound 7.60 ms, gap 5.0 %\n",
        "  1f1b: optimal, step 80.0 ms\n",
        phases[0],
        "  step 1/4  loss 0.500 8.00 ms 2000 samples/s lr 0.100\n",
        "saved: plan.checkpoints/2\n",
        phases[1],
      ].join(""),
    );
  });

  it("draws the solver's gap and a bar with the time left on a terminal", () => {
    const text = onTerminal(true, false, 120);
    expect(text).toContain("\r[1/2] partition  8.00 ms by slicing, bound 7.60 ms, gap 5.0 %");
    expect(text).toContain(
      "\r[2/2] train      ███░░░░░░░ 1/4  3.00 s left  loss 0.500 8.00 ms 2000 samples/s lr 0.100",
    );
  });

  it("keeps to the width", () => {
    const drawn = onTerminal(true, false, 60).split(/[\r\n]/);
    expect(drawn.filter((line) => line.includes("1/4")).every((line) => line.length < 60)).toBe(true);
    let text = "";
    const terminal = {
      write: () => {},
      note: (part: string) => void (text += part),
      isInteractive: false,
      color: false,
      columns: 80,
    };
    const progress = new TerminalProgress(terminal, { nowMs: () => 0, sleep: async () => {} }, ["partition"], false);
    progress.begin("partition");
    progress.end("many words ".repeat(20).trim());
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect(text).toMatch(/^\[1\/1\] partition {2}many words .*\n {17}many/);
  });
});

describe("EventProgress", () => {
  it("is one object per line, with the same members for the same event", () => {
    const text = tell(
      (note, clock) =>
        new EventProgress(new EventLog(note, clock, "train", "1.2.3"), clock, ["partition", "train"], false),
    );
    expect(
      text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as object),
    ).toEqual([
      { event: "start", ms: 0, version: 1, command: "train", pipewright: "1.2.3" },
      { event: "begin", ms: 0, phase: "partition", number: 1, of: 2 },
      { event: "incumbent", ms: 100, bottleneckMs: null, boundMs: 7, gap: 1, method: "none" },
      { event: "incumbent", ms: 200, bottleneckMs: 8, boundMs: 7.6, gap: 0.05, method: "slicing" },
      { event: "tried", ms: 200, schedule: "1f1b", status: "optimal", stepMs: 80 },
      { event: "end", ms: 1200, phase: "partition", phaseMs: 1200, summary: "2 stages" },
      { event: "begin", ms: 1200, phase: "train", number: 2, of: 2 },
      {
        event: "step",
        ms: 2200,
        step: 1,
        steps: 4,
        loss: 0.5,
        learningRate: 0.1,
        gradNorm: null,
        stepMs: 8,
        samplesPerSecond: 2000,
      },
      {
        event: "step",
        ms: 2300,
        step: 2,
        steps: 4,
        loss: 0.5,
        learningRate: 0.1,
        gradNorm: 3,
        stepMs: 8,
        samplesPerSecond: 2000,
      },
      { event: "note", ms: 2300, text: "saved: plan.checkpoints/2" },
      { event: "end", ms: 2300, phase: "train", phaseMs: 1100, summary: "done" },
    ]);
  });
});
