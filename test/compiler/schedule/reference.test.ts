/** @file Schedules against what others published: nnscaler's grids, PyTorch's files, the Zero Bubble paper's Table 5. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ScheduleCosts } from "../../../compiler/schedule/costs.js";
import { uniformCosts, uniformLatency } from "../../../compiler/schedule/costs.js";
import { formatAction } from "../../../compiler/schedule/action.js";
import { checkSchedule } from "../../../compiler/schedule/check.js";
import { readCommsCsv, readCsv, writeCsv } from "../../../compiler/schedule/csv.js";
import { scheduleByName } from "../../../compiler/schedule/registry.js";
import { simulate } from "../../../compiler/schedule/simulate.js";
import { loweredFaults } from "../../../compiler/schedule/verify.js";
import { automaticZeroBubble } from "../../../compiler/schedule/zb-auto.js";

/** Text of a reference file without its first line, which names the source. */
function reference(name: string): string {
  const text = readFileSync(new URL(`../../../fixtures/reference/schedules/${name}`, import.meta.url), "utf8");
  return text.replace(/^# source: .*\n/, "");
}

/** The order of each row: "2F0" or, with the stage left out, "f0". */
function rowsOf(text: string): string[][] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => line.match(/\d*[FBfb]\d+(?:-b\d+)?/g)!.map((cell) => cell.replace(/-.*/, "")));
}

describe("nnscaler", () => {
  it.each([4, 8])("interleaved-1f1b of 4 devices, 8 stages, %i microbatches", (microbatches) => {
    const { rows } = scheduleByName("interleaved-1f1b", { devices: 4, microbatches, stagesPerDevice: 2 });
    expect(rows.map((row) => row.map(formatAction))).toEqual(
      rowsOf(reference(`nnscaler-interleaved-4x8-${microbatches}.txt`)),
    );
  });

  it.each(["gpipe", "1f1b"])("%s", (name) => {
    const { rows } = scheduleByName(name, { devices: 4, microbatches: 4 });
    const ours = rows.map((row) => row.map(({ phase, microbatch }) => `${phase.toLowerCase()}${microbatch}`));
    expect(ours).toEqual(rowsOf(reference(`nnscaler-${name}-4-4.txt`)));
  });

  it("chimera, whose microbatches 0, 1 go down and 2, 3 up where ours alternate", () => {
    const { rows } = scheduleByName("chimera", { devices: 4, microbatches: 4 });
    const theirName = [0, 2, 1, 3];
    const ours = rows.map((row) =>
      row.map(({ phase, microbatch }) => `${phase.toLowerCase()}${theirName[microbatch]}`),
    );
    expect(ours).toEqual(rowsOf(reference("nnscaler-chimera-4-4.txt")));
  });
});

describe("PyTorch", () => {
  it("DualPipeV of 4 devices, 10 microbatches, byte by byte", () => {
    const schedule = scheduleByName("DualPipeV", { devices: 4, microbatches: 10 });
    expect(writeCsv(schedule)).toBe(reference("pytorch-dualpipev-4x10.csv"));
  });

  it("InterleavedZeroBubble of 2 devices, 4 stages, 8 microbatches, from a file in the old dialect", () => {
    const published = readCsv(reference("pytorch-zb1p-2x2-8.csv"));
    const ours = scheduleByName("ScheduleInterleavedZeroBubble", { devices: 2, microbatches: 8, stagesPerDevice: 2 });
    expect(published.rows).toEqual(ours.rows);
  });

  it("the same with messages, where the first device merges I and W", () => {
    const published = readCommsCsv(reference("pytorch-zb1p-2x2-8-comms.csv"));
    checkSchedule(published.schedule);
    const reduced = published.rows.map((row, d) => [
      ...row.slice(0, -1),
      ...[d, d + 2].map((stage) => ({ kind: "reduce" as const, stage })),
      row.at(-1)!,
    ]);
    expect(loweredFaults({ ...published, rows: reduced })).toEqual([]);
    expect(loweredFaults(published).map(({ invariant }) => invariant)).toEqual(["V10", "V10", "V10", "V10"]);
  });
});

describe("Zero Bubble paper, Table 5 from Table 9", () => {
  const paper = JSON.parse(reference("zero-bubble-paper.json")) as {
    schedules: string[];
    models: Record<string, { hidden: number; heads: number; sequence: number }>;
    rows: {
      model: string;
      devices: number;
      microbatches: number;
      forwardMs: number;
      inputGradMs: number;
      weightGradMs: number;
      latencyMs: number;
      bubbles: string[];
    }[];
  };

  it.each(paper.rows)("$model with $devices devices and $microbatches microbatches", (row) => {
    const { devices, microbatches } = row;
    const { hidden, heads, sequence } = paper.models[row.model]!;
    const all = (value: number) => new Array<number>(devices).fill(value);
    const activation = 34 * hidden + 5 * heads * sequence;
    const costs: ScheduleCosts = {
      ...uniformCosts(devices, row),
      transfers: uniformLatency(devices, row.latencyMs),
      stash: { forward: all(activation), weight: all(32 * hidden) },
    };
    const size = { devices, microbatches };
    const spanBubbles = paper.schedules.map((name) => {
      const activations = { "zb-1p": 1, "zb-2p": 2 }[name];
      const schedule = activations
        ? automaticZeroBubble(size, { costs, capacity: all(activations * devices * activation) })
        : scheduleByName(name, size);
      return simulate(schedule, costs).spanBubble.toFixed(4);
    });
    expect(spanBubbles).toEqual(row.bubbles);
  });
});
