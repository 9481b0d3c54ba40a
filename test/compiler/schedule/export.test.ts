/** @file Text, traces and drawings: CSV in both dialects, PyTorch's limits, Chrome trace, SVG. */
import { describe, expect, it } from "vitest";
import { golden } from "../../support/golden.js";
import { uniformCosts } from "../../../compiler/schedule/costs.js";
import { readCommsCsv, readCsv } from "../../../compiler/schedule/csv.js";
import { scheduleByName } from "../../../compiler/schedule/registry.js";
import { simulate } from "../../../compiler/schedule/simulate.js";
import { parseStep } from "../../../compiler/schedule/step.js";
import { scheduleSvg } from "../../../compiler/schedule/svg.js";
import { torchRefusals, writeTorchCsv } from "../../../compiler/schedule/torch.js";
import { chromeTrace } from "../../../compiler/schedule/trace.js";

describe("CSV", () => {
  it("takes blanks, CRLF and uneven rows", () => {
    const { rows, placement } = readCsv("0F0,,0B0\r\n,1F0 , 1B0\r\n\r\n");
    expect(rows.map((row) => row.length)).toEqual([2, 2]);
    expect(placement).toEqual([0, 1]);
  });

  it.each(["0F0junk", "0FOO", "0f0", "F0", "-1F0", "1 F 0", "0F", "(0F0;1B0)OVERLAP", "0SEND_F"])(
    "knows that %s is no step",
    (cell) => {
      expect(parseStep(cell)).toBeUndefined();
      expect(() => readCsv(`0F0,${cell}`)).toThrow(
        `schedule csv: line 1, cell 2 does not belong here; got ${JSON.stringify(cell)} expected stage, F, B, I or W, microbatch, such as 2F0. Correct the cell.`,
      );
    },
  );

  it.each([
    ["0F0,0B0,99999999F0", "99999999F0 has too high a number; got 99999999 expected less than the file's 3 actions"],
    ["0F0,0B0,0F99999999", "0F99999999 has too high a number; got 99999999 expected less than the file's 3 actions"],
    ["", "the file holds no action; got"],
    [",,\n", "the file holds no action; got"],
  ])("refuses %j before it makes room for every stage and microbatch", (text, wrong) => {
    expect(() => readCsv(text)).toThrow(`schedule csv: ${wrong}`);
  });

  it("refuses messages in a compute-only file", () => {
    expect(() => readCsv("0F0,0SEND_F0")).toThrow(
      /line 1, cell 2 does not belong here; got "0SEND_F0" expected an action/,
    );
  });

  it("tells the old dialect from the new one", () => {
    const phases = (text: string) =>
      readCsv(text)
        .rows[0]!.map(({ phase }) => phase)
        .join("");
    expect(phases("0F0,0B0,0W0")).toBe("FIW");
    expect(phases("0F0,0BW0")).toBe("FB");
    expect(phases("0F0,0F1,0B0,0I1,0W1")).toBe("FFBIW");
    expect(phases("0F0,0I0,0W0")).toBe("FIW");
  });

  it("reads messages and back", () => {
    const { rows, schedule } = readCommsCsv(
      "0UNSHARD,0F0,0SEND_F0,0RECV_B0,0B0,0REDUCE_GRAD,0RESHARD\n1RECV_F0,1F0,1B0,1SEND_B0,1REDUCE_GRAD\n",
    );
    expect(schedule).toMatchObject({ devices: 2, stages: 2, microbatches: 1, placement: [0, 1] });
    expect(rows[0]!.map(({ kind }) => kind)).toEqual([
      "gather",
      "compute",
      "send",
      "receive",
      "compute",
      "reduce",
      "release",
      "update",
    ]);
  });
});

describe("PyTorch", () => {
  const schedule = scheduleByName("1f1b", { devices: 2, microbatches: 2 });

  it("gets messages, shards and reduces", () => {
    golden("schedules/torch-comms.csv", writeTorchCsv(schedule, { form: "compute_comms" }));
    expect(writeTorchCsv(schedule, { form: "compute_only" })).toBe("0F0,0F1,0B0,0B1\n1F0,1B0,1F1,1B1\n");
  });

  it("is refused what it cannot run, with every reason", () => {
    const swapped = {
      ...schedule,
      rows: schedule.rows.map((row) => row.map((a) => ({ ...a, microbatch: 1 - a.microbatch }))),
    };
    expect(torchRefusals(swapped, { crossings: [{ from: 0, to: 2 }], tied: [[0, 1]] })).toEqual([
      "tensors that skip stages, such as 0 to 2 (PyTorch sends to the next stage only)",
      "weights shared by stages 0 and 1 (PyTorch does not sum their gradients)",
      "microbatch 1 as number 0 on the last stage (PyTorch counts its losses)",
    ]);
    expect(() =>
      writeTorchCsv(scheduleByName("chimera", { devices: 2, microbatches: 2 }), { form: "compute_only" }),
    ).toThrow(
      "schedule chimera: PyTorch cannot run it; got 2 copies of the model (PyTorch runs one) expected none of these. Choose another schedule or placement.",
    );
  });
});

interface TraceEvent {
  readonly ph: string;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly id?: number;
  readonly name: string;
}

describe("Chrome trace", () => {
  const traceOf = (name: string, size: { devices: number; microbatches: number }) => {
    const schedule = scheduleByName(name, size);
    const text = chromeTrace(schedule, simulate(schedule, uniformCosts(schedule.stages)));
    return (JSON.parse(text) as { traceEvents: TraceEvent[] }).traceEvents;
  };

  it("has a slice per action in microseconds and an arrow per tensor that crosses", () => {
    const events = traceOf("1f1b", { devices: 2, microbatches: 2 });
    const slices = events.filter(({ ph }) => ph === "X");
    expect(slices.map(({ name, tid, ts, dur }) => `${name} d${tid} ${ts}+${dur}`)).toEqual([
      "0F0 d0 0+1000",
      "0F1 d0 1000+1000",
      "0B0 d0 4000+2000",
      "0B1 d0 7000+2000",
      "1F0 d1 1000+1000",
      "1B0 d1 2000+2000",
      "1F1 d1 4000+1000",
      "1B1 d1 5000+2000",
    ]);
    const [starts, ends] = ["s", "f"].map((ph) => events.filter((event) => event.ph === ph));
    expect(starts!.map(({ id }) => id).sort()).toEqual(ends!.map(({ id }) => id).sort());
    expect(starts).toHaveLength(4);
    for (const start of starts!)
      expect(slices.some(({ tid, ts, dur }) => tid === start.tid && ts <= start.ts && start.ts <= ts + dur)).toBe(true);
  });

  it("is valid for more than 100,000 actions", () => {
    const events = traceOf("zb-h1", { devices: 34, microbatches: 1000 });
    expect(events.filter(({ ph }) => ph === "X")).toHaveLength(102_000);
    expect(events.filter(({ ph }) => ph === "s")).toHaveLength(2 * 33 * 1000);
  });
});

describe("SVG", () => {
  const svgOf = (name: string, size: { devices: number; microbatches: number }, overlap?: number) => {
    const schedule = scheduleByName(name, size);
    const costs = uniformCosts(schedule.stages);
    return scheduleSvg(schedule, simulate(schedule, overlap === undefined ? costs : { ...costs, overlap }), {
      width: 400,
    });
  };

  it("looks like its golden file", () => {
    golden("schedules/1f1b.svg", svgOf("1f1b", { devices: 2, microbatches: 2 }));
  });

  it("has a block per action and a number where there is room", () => {
    const svg = svgOf("zb-v", { devices: 2, microbatches: 4 });
    const shapes = (text: string) =>
      [...text.matchAll(/<path fill="hsl[^>]*d="([^"]*)"/g)].flatMap(([, d]) => d!.match(/Z/g)!);
    expect(shapes(svg)).toHaveLength(2 * 2 * 4 * 3);
    expect(
      svg.match(
        /<text(?: class="dark")?(?: class="small")?(?: class="dark small")? x="[\d.]+" y="[\d.]+">\d+<\/text>/g,
      ),
    ).toHaveLength(2 * 2 * 4 * 3);
    for (const part of ["#dbe7f5", "#e9ebee", "#f8e8d4"]) expect(svg).toContain(`<path fill="${part}"`);
  });

  it("is well-formed for more than 100,000 actions", () => {
    const svg = svgOf("1f1b", { devices: 50, microbatches: 1001 });
    const blocks = [...svg.matchAll(/<path fill="hsl[^>]*d="([^"]*)"/g)].flatMap(([, d]) => d!.match(/Z/g)!);
    expect(blocks).toHaveLength(2 * 50 * 1001);
    expect(svg.startsWith("<svg ")).toBe(true);
    expect(svg.match(/<(text|path|rect|style|title|svg)\b/g)!.length).toBe(
      svg.match(/<\/(text|style|title|svg)>/g)!.length + svg.match(/\/>/g)!.length,
    );
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});
