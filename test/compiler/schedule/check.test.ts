/** @file What checkSchedule refuses, and the whole text of its errors. */
import { describe, expect, it } from "vitest";
import type { Action, Schedule } from "../../../compiler/schedule/action.js";
import { parseAction } from "../../../compiler/schedule/action.js";
import { checkSchedule } from "../../../compiler/schedule/check.js";
import { PipewrightError } from "../../../compiler/errors.js";
import { scheduleByName } from "../../../compiler/schedule/registry.js";

const base = scheduleByName("1f1b", { devices: 2, microbatches: 2 });

/** 1f1b of two devices with rows given as text. */
function withRows(...rows: string[]): Schedule {
  return { ...base, rows: rows.map((row) => row.split(" ").map((text): Action => parseAction(text)!)) };
}

function messageOf(schedule: Schedule): string {
  try {
    checkSchedule(schedule);
  } catch (error) {
    if (error instanceof PipewrightError && error.code === "SCHEDULE_INVALID") return error.message;
    throw error;
  }
  return "accepted";
}

describe("checkSchedule", () => {
  it("accepts what the generator makes", () => {
    expect(messageOf(withRows("0F0 0F1 0B0 0B1", "1F0 1B0 1F1 1B1"))).toBe("accepted");
  });

  it("shows a missing half of a backward", () => {
    expect(messageOf(withRows("0F0 0F1 0B0 0I1", "1F0 1B0 1F1 1B1"))).toBe(
      `schedule 1f1b: stage 0 does not do all of microbatch 1; got FI expected FB or FIW. Add what is missing or remove what is too much.
d0  0F0 0F1 0B0 0I1
        ^ d0, position 1
d1  1F0 1B0 1F1 1B1`,
    );
  });

  it("shows a second copy", () => {
    expect(messageOf(withRows("0F0 0F1 0B0 0B1", "1F0 1B0 1F1 1B1 1F1"))).toBe(
      `schedule 1f1b: 1F1 stands twice; got a second one expected only the one at position 2. Remove one.
d0  0F0 0F1 0B0 0B1
d1  1F0 1B0 1F1 1B1 1F1
                    ^ d1, position 4`,
    );
  });

  it("shows an action before its own F", () => {
    expect(messageOf(withRows("0F0 0F1 0B0 0B1", "1B0 1F0 1F1 1B1"))).toBe(
      `schedule 1f1b: 1B0 stands before what it waits for; got 1F0 at position 1 expected it before position 0. Swap them.
d0  0F0 0F1 0B0 0B1
d1  1B0 1F0 1F1 1B1
    ^ d1, position 0`,
    );
  });

  it("shows the shortest circle of a deadlock", () => {
    expect(messageOf(withRows("0F0 0B0 0F1 0B1", "1F0 1F1 1B0 1B1"))).toBe(
      `schedule 1f1b: deadlock after 2 actions: device 0 at 0B0 waits for 1B0 of device 1; device 1 at 1F1 waits for 0F1 of device 0; got d0 0B0, d1 1F1 expected all rows to end. Move one of the awaited actions forward.
d0  0F0 0B0 0F1 0B1
        ^ d0, position 1
d1  1F0 1F1 1B0 1B1`,
    );
  });

  it.each([
    [
      "a stage of another device",
      withRows("0F0 0F1 0B0 0B1 1F0", "1B0 1F1 1B1"),
      /1F0 stands on the wrong device; got 0 expected 1/,
    ],
    [
      "an unknown stage",
      withRows("0F0 0F1 0B0 0B1 2F0", "1F0 1B0 1F1 1B1"),
      /2F0 has no such stage; got 2 expected 0 to 1/,
    ],
    [
      "an unknown microbatch",
      withRows("0F0 0F1 0B0 0B1 0F2", "1F0 1B0 1F1 1B1"),
      /no such microbatch; got 2 expected 0 to 1/,
    ],
    ["too few rows", { ...base, rows: [base.rows[0]!] }, /got 1 rows, 2 placed stages expected 2 rows/],
    ["a stage without a device", { ...base, placement: [0, 2] }, /stage 1 has no device; got 2 expected 0 to 1/],
    [
      "copies without routes",
      { ...base, replicas: 2 },
      /copies disagree; got 2 stages in 2 copies, 0 routed microbatches/,
    ],
  ])("refuses %s", (_, schedule, text) => {
    expect(messageOf(schedule)).toMatch(text);
  });
});

describe("scheduleByName", () => {
  const textOf = (name: string, size: { devices: number; microbatches: number; stagesPerDevice?: number }) => {
    expect(() => scheduleByName(name, size)).toThrow(PipewrightError);
    try {
      scheduleByName(name, size);
    } catch (error) {
      return (error as PipewrightError).message;
    }
    return "";
  };

  it("knows SageMaker's and PyTorch's names", () => {
    const named = (name: string, stagesPerDevice = 1) =>
      scheduleByName(name, { devices: 2, microbatches: 4, stagesPerDevice }).name;
    expect(["simple", "interleaved", "GPipe", "Schedule1F1B"].map((name) => named(name))).toEqual([
      "gpipe",
      "windowed-1f1b",
      "gpipe",
      "1f1b",
    ]);
    expect(
      ["Interleaved1F1B", "LoopedBFS", "InterleavedZeroBubble", "ZBVZeroBubble", "DualPipeV"].map((name) =>
        named(name, 2),
      ),
    ).toEqual(["interleaved-1f1b", "looped-bfs", "interleaved-zb", "zb-v", "dualpipe-v"]);
  });

  it("says what to change", () => {
    expect(textOf("zbh1", { devices: 2, microbatches: 4, stagesPerDevice: 2 })).toBe(
      "schedule zb-h1: cannot run this many stages per device; got 2 expected 1. Set stages per device to 1, or choose interleaved-1f1b or zb-v.",
    );
    expect(textOf("interleaved-1f1b", { devices: 4, microbatches: 9 })).toBe(
      "schedule interleaved-1f1b: microbatches do not fall into 2 equal groups of at least one per device; got 9 microbatches on 4 devices. Use 8 or 12 microbatches.",
    );
    expect(textOf("dualpipe", { devices: 4, microbatches: 6 })).toBe(
      "schedule dualpipe: too few microbatches or an odd number; got 6 expected an even number of at least 8. Use 8 microbatches.",
    );
    expect(textOf("gpipe", { devices: 0, microbatches: 4 })).toBe(
      "schedule gpipe: bad number of devices; got 0 expected a whole number of at least 1. Change devices.",
    );
    expect(textOf("zbh", { devices: 2, microbatches: 4 })).toMatch(
      /unknown name; got "zbh" expected one of gpipe, .*Did you mean zb-h1\?$/,
    );
  });
});
