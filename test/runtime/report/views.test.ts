import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlanAction } from "../../../compiler/plan/plan.js";
import type { BlockMap } from "../../../compiler/plan/block-map.js";
import { planCosts, planSchedule } from "../../../compiler/plan/replay.js";
import { simulate } from "../../../compiler/schedule/simulate.js";
import { thinned } from "../../../runtime/report/charts.js";
import type { ReportDocument } from "../../../runtime/report/document.js";
import { bubbleOf, deviceMemory, medianStepMs } from "../../../runtime/report/document.js";
import { BOX } from "../../../runtime/report/graph-places.js";
import { graphView } from "../../../runtime/report/graph-view.js";
import { layerGraph, spread } from "../../../runtime/report/layers.js";
import type { StepCell } from "../../../runtime/report/step-view.js";
import { measuredStep, predictedStep, timeSplit } from "../../../runtime/report/step-view.js";
import { tickStep } from "../../../runtime/report/axes.js";
import type { TimelineGroup } from "../../../runtime/report/timeline-picture.js";
import { cellName, lanes, planTimeline } from "../../../runtime/report/timeline-picture.js";
import { planTrace } from "../../../runtime/report/trace.js";
import { growthAtFourTimes } from "../../support/growth.js";
import { sampleDocument, samplePlan } from "./sample-plan.js";

const block = (stage: number, name = "n") => ({
  name,
  stage,
  nodes: [name],
  forwardMs: 1,
  inputGradMs: 1,
  weightGradMs: 1,
  parameterBytes: 4,
  stashBytes: 4,
});

const graphs = fc.integer({ min: 1, max: 40 }).chain((count) =>
  fc.record({
    count: fc.constant(count),
    pairs: fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: 80 }),
  }),
);
const edgesOf = (pairs: readonly (readonly [number, number])[]) =>
  pairs.filter(([a, b]) => a !== b).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

describe("layerGraph", () => {
  it("leads edges down and keeps nodes of a layer apart", () => {
    fc.assert(
      fc.property(graphs, ({ count, pairs }) => {
        const edges = edgesOf(pairs);
        const from = edges.map(([a]) => a);
        const to = edges.map(([, b]) => b);
        const { layer, across, depth, breadth } = layerGraph({ count, from, to });
        for (const [a, b] of edges) expect(layer[b]).toBeGreaterThan(layer[a]!);
        for (let a = 0; a < count; a++) {
          expect(layer[a]).toBeLessThan(depth);
          expect(across[a]).toBeLessThanOrEqual(breadth);
          for (let b = 0; b < a; b++)
            if (layer[a] === layer[b]) expect(Math.abs(across[a]! - across[b]!)).toBeGreaterThan(1 - 1e-9);
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("spreads no more than it must", () => {
    expect(spread([0, 5, 9], 1)).toEqual([0, 5, 9]);
    expect(spread([2, 2, 2], 1)).toEqual([1, 2, 3]);
    expect(spread([], 1)).toEqual([]);
  });
});

describe("graphView", () => {
  it("takes time in proportion to the blocks, up to 10,000", () => {
    const stages = 8;
    const laidOut = (count: number): void => {
      const blocks = Array.from({ length: count }, (_, at) => block(Math.floor((at * stages) / count)));
      const nets = blocks
        .slice(1)
        .flatMap((_, at) => [
          { producer: at, consumers: [at + 1], forwardBytes: 4, gradBytes: 4 },
          ...(at % 3 === 0 && at + 7 < count
            ? [{ producer: at, consumers: [at + 7], forwardBytes: 4, gradBytes: 4 }]
            : []),
        ]);
      expect(graphView({ version: 1, blocks, nets }, stages).blocks.length).toBe(count);
    };
    expect(growthAtFourTimes(2500, laidOut)).toBeLessThan(10);
  });

  it("keeps each block in the column of its stage and labels every cut tensor once per reading stage", () => {
    fc.assert(
      fc.property(graphs, fc.integer({ min: 1, max: 4 }), ({ count, pairs }, stages) => {
        const blocks = Array.from({ length: count }, (_, at) =>
          block(Math.min(stages - 1, Math.floor((at * stages) / count))),
        );
        const nets = edgesOf(pairs).map(([producer, consumer]) => ({
          producer,
          consumers: [consumer],
          forwardBytes: 8,
          gradBytes: 0,
        }));
        const map: BlockMap = { version: 1, blocks, nets };
        const view = graphView(map, stages);
        for (const { block: own, x, y } of view.blocks) {
          const column = view.columns[own.stage]!;
          expect(x).toBeGreaterThanOrEqual(column.x - 1e-9);
          expect(x + BOX.width).toBeLessThanOrEqual(column.x + column.width + 1e-6);
          expect(y + BOX.height).toBeLessThan(view.height);
        }
        const crossing = nets.filter(
          ({ producer, consumers: [reader] }) => blocks[producer]!.stage !== blocks[reader!]!.stage,
        );
        expect(view.cuts.length).toBe(crossing.length);
      }),
      { seed: 2, numRuns: 100 },
    );
  });
});

describe("steps", () => {
  it("are the simulator's, and the parts of a device's time add up to the span", async () => {
    const compiled = await samplePlan({ devices: 3, microbatches: 6 });
    const plan = { ...compiled.plan, files: {} };
    const view = predictedStep(plan);
    const { startMs, endMs, makespanMs, bubble } = simulate(planSchedule(plan), planCosts(plan));
    expect(view.rows.map(({ cells }) => cells.map((cell) => [cell.startMs, cell.endMs]))).toEqual(
      startMs.map((row, d) => [...row].map((ms, at) => [ms, endMs[d]![at]])),
    );
    expect(view.spanMs).toBe(makespanMs);
    expect(bubbleOf(view)).toBeCloseTo(bubble, 12);
    for (const row of view.rows) {
      const parts = Object.values(timeSplit(row, view.spanMs)) as readonly number[];
      expect(parts.every((ms) => ms >= 0)).toBe(true);
      expect(parts.reduce((sum, ms) => sum + ms)).toBeCloseTo(view.spanMs, 9);
      expect(row.steadyMs).toBeLessThanOrEqual(row.coolDownMs);
    }
    expect(view.messages.every(({ fromMs, toMs }) => fromMs <= toMs)).toBe(true);
    const crossings = planCosts(plan).transfers!.flatMap(({ forwardMs, gradMs }) => [forwardMs, gradMs]);
    expect(view.messages.length).toBe(crossings.filter((ms) => ms > 0).length * plan.microbatches);
    expect(view.messages.length).toBeGreaterThan(plan.microbatches);
  });

  it("have memory that adds up to the peak of the stages", async () => {
    const { plan } = await samplePlan();
    deviceMemory({ ...plan, files: {} }).forEach((memory, device) => {
      const { parameterBytes, trainingBytes, activationBytes, workspaceBytes } = memory;
      const peak = plan.stages
        .filter((stage) => stage.device === device)
        .reduce((sum, { peakBytes }) => sum + peakBytes, 0);
      expect(parameterBytes + trainingBytes + activationBytes + workspaceBytes).toBe(peak);
    });
  });

  it("leave the first two steps out of the median", () => {
    expect(medianStepMs({ stepMs: [900, 800, 3, 1, 2] })).toBe(2);
    expect(medianStepMs({ stepMs: [7] })).toBe(7);
  });
});

/** A document whose measured step ran the second device's first weight gradient on the first. */
async function stoodInDocument(): Promise<{ readonly document: ReportDocument; readonly moved: PlanAction }> {
  const document = sampleDocument(await samplePlan({ schedule: "zb-h1" }));
  const { plan, measured } = document;
  const position = plan.rows[1]!.findIndex(({ phase }) => phase === "W");
  const rows = measured!.rows.map(({ cells, updateEndMs }, device) => ({
    startMs: cells.map(({ startMs }) => startMs),
    endMs: cells.map(({ endMs }) => endMs),
    stoodIn: device === 0 ? [{ device: 1, position }] : [],
    updateEndMs,
  }));
  return { document: { ...document, measured: measuredStep(plan, rows) }, moved: plan.rows[1]![position]! };
}

describe("an action that another device ran", () => {
  it("is shown where it ran, at its time", async () => {
    const { document, moved } = await stoodInDocument();
    const { rows } = document.measured!;
    const isMoved = ({ stage, phase, microbatch }: StepCell): boolean =>
      stage === moved.stage && phase === moved.phase && microbatch === moved.microbatch;
    expect(rows.map(({ cells }) => cells.filter(isMoved).length)).toEqual([1, 0]);
    const starts = rows[0]!.cells.map(({ startMs }) => startMs);
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
  });

  it("ends a wait of the device that ran it, and of its own device", async () => {
    const { plan } = sampleDocument(await samplePlan({ schedule: "zb-h1" }));
    const position = plan.rows[1]!.findIndex(({ phase }) => phase === "W");
    // The first device runs all its forwards, waits, runs the W from 40 to 41, and the rest from 50 on.
    const isEarly = (device: number, phase: string, at: number): boolean =>
      device === 0 ? phase === "F" : at < position;
    const rows = plan.rows.map((row, device) => {
      const startMs = row.map(({ phase }, at) => (isEarly(device, phase, at) ? at : 50 + at));
      if (device === 1) startMs[position] = 40;
      return {
        startMs,
        endMs: startMs.map((ms) => ms + 1),
        updateEndMs: 100,
        stoodIn: device === 0 ? [{ device: 1, position }] : [],
      };
    });
    const [helper, helped] = measuredStep(plan, rows).rows;
    const at = helper!.cells.findIndex(({ phase, stage }) => phase === "W" && stage === 1);
    expect(helper!.cells[at]).toMatchObject({ waitMs: 40 - helper!.cells[at - 1]!.endMs, handoverMs: 0 });
    const { startMs } = helped!.cells[position]!;
    expect(startMs).toBe(50 + position + 1);
    expect(helped!.cells[position]).toMatchObject({ waitMs: 41 - position, handoverMs: startMs - 41 });
  });

  it("has the same action of the other step as its twin", async () => {
    const { document, moved } = await stoodInDocument();
    const [predicted, measured] = [document.predicted, document.measured!].map((view, at) => ({
      title: ["predicted", "measured"][at]!,
      view,
    })) as [TimelineGroup, TimelineGroup];
    const all = lanes(planTimeline([predicted, measured]));
    const cell = all[2]!.row.cells.find(({ phase, stage }) => phase === "W" && stage === moved.stage)!;
    const twin = all[2]!.twins!.get(cellName(cell, true))!;
    expect(twin).toEqual(predicted.view.rows[1]!.cells.find(({ phase }) => phase === "W"));
  });
});

describe("the trace", () => {
  it.each([
    ["", async () => sampleDocument(await samplePlan({ schedule: "zb-h1" }))],
    [" where devices stood in", async () => (await stoodInDocument()).document],
  ])("has every action once per process, flows in pairs, and counters that end at nothing%s", async (_, make) => {
    const document = await make();
    const { traceEvents } = JSON.parse(planTrace(document)) as {
      traceEvents: {
        ph: string;
        name: string;
        pid: number;
        tid: number;
        ts: number;
        id: number;
        args: { bytes: number; name: string };
      }[];
    };
    const actions = document.plan.rows.flat().length;
    for (const pid of [0, 1]) {
      const own = traceEvents.filter((event) => event.pid === pid);
      expect(own.find(({ name }) => name === "process_name")!.args.name).toBe(["predicted", "measured"][pid]);
      expect(own.filter(({ ph }) => ph === "X").length).toBe(actions);
      const ids = (ph: string) => own.filter((event) => event.ph === ph).map(({ id }) => id);
      expect(ids("s")).toEqual(ids("f"));
      for (const device of ["cpu0", "cpu1"]) {
        const events = own.filter(({ name }) => name === `${device} kept bytes`);
        expect(events).toEqual(events.toSorted((a, b) => a.ts - b.ts));
        const counts = events.map(({ args }) => args.bytes);
        expect(counts.at(-1)).toBe(0);
        expect(Math.min(...counts)).toBe(0);
        expect(Math.max(...counts)).toBeGreaterThan(0);
      }
    }
    const flows = traceEvents.filter(({ ph }) => ph === "s").map(({ id }) => id);
    expect(new Set(flows).size).toBe(flows.length);
  });
});

describe("charts", () => {
  it("thin long lines to their extremes", () => {
    const values = Array.from({ length: 10_000 }, (_, at) => (at === 5003 ? 100 : Math.sin(at)));
    const points = thinned(values);
    expect(points.length).toBeLessThanOrEqual(600);
    expect(points.some(([at, value]) => at === 5003 && value === 100)).toBe(true);
    expect(points.map(([at]) => at)).toEqual(points.map(([at]) => at).toSorted((a, b) => a - b));
  });

  it("choose round ticks", () => {
    expect([97, 8, 0.031].map((end) => tickStep(end, 8))).toEqual([20, 1, 0.005]);
  });
});
