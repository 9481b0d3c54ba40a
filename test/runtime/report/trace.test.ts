import { describe, expect, it } from "vitest";
import { uniformLatency } from "../../../compiler/schedule/costs.js";
import { scheduleByName } from "../../../compiler/schedule/registry.js";
import { simulate } from "../../../compiler/schedule/simulate.js";
import { chromeTrace } from "../../../compiler/schedule/trace.js";
import { planTrace } from "../../../runtime/report/trace.js";
import { traceProblems } from "../../support/trace-format.js";
import { sampleDocument, samplePlan } from "./sample-plan.js";

describe("the format of traces", () => {
  it.each(["1f1b", "zb-h1", "gpipe", "wave"])("is kept by a plan with %s, and by the schedule alone", async (name) => {
    const document = sampleDocument(await samplePlan({ schedule: name, layers: 8 }));
    expect(traceProblems(planTrace(document))).toEqual([]);
    const schedule = scheduleByName(name, { devices: 4, microbatches: 8 });
    const times = (ms: number) => new Array<number>(schedule.stages).fill(ms);
    const transfers = uniformLatency(schedule.stages, 0.1);
    const costs = { forwardMs: times(1), inputGradMs: times(1.1), weightGradMs: times(0.7), transfers };
    expect(traceProblems(chromeTrace(schedule, simulate(schedule, costs)))).toEqual([]);
  });

  it("is checked by what finds its faults", async () => {
    const text = planTrace(sampleDocument(await samplePlan()));
    const broken = (change: (events: { ph: string; ts: number; tid: number; dur?: number }[]) => void): string => {
      const trace = JSON.parse(text) as { traceEvents: { ph: string; ts: number; tid: number }[] };
      change(trace.traceEvents);
      return traceProblems(JSON.stringify(trace)).join("; ");
    };
    expect(broken((events) => void (events.find(({ ph }) => ph === "s")!.ts = 1e9))).toContain("goes back in time");
    expect(broken((events) => void (events.find(({ ph }) => ph === "X")!.dur = 1e9))).toContain("slices overlap");
    expect(broken((events) => void (events.find(({ ph }) => ph === "f")!.tid = 7))).toContain("ends outside of slices");
    expect(broken((events) => void events.splice(0, 2))).toContain("has no name");
  });
});
