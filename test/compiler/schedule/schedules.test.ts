/** @file The grid of every schedule at its smallest telling size, and what it keeps in flight. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { golden } from "../../support/golden.js";
import { inFlight } from "../../../compiler/schedule/in-flight.js";
import { printSchedule } from "../../../compiler/schedule/print.js";
import { SCHEDULES, scheduleByName } from "../../../compiler/schedule/registry.js";
import { SMALLEST } from "./smallest.js";

it("has a smallest size for every schedule", () => {
  expect(SMALLEST.map(({ name }) => name).sort()).toEqual(SCHEDULES.map(({ name }) => name).sort());
});

describe.each(SMALLEST)("$name", ({ name, size, costs }) => {
  const schedule = scheduleByName(name, size);
  const grid = printSchedule(schedule, costs && { costs: costs(schedule.stages) });

  it("looks like its grid", () => {
    golden(`schedules/${name}.txt`, grid);
  });

  it("has that grid in the header of its file", () => {
    const source = readFileSync(new URL(`../../../compiler/schedule/${name}.ts`, import.meta.url), "utf8");
    const comment = grid.trimEnd().replaceAll(/^/gm, " * ");
    expect(source.slice(0, source.indexOf("*/"))).toContain(comment);
  });
});

it("keeps the microbatches in flight that the papers say", () => {
  const kept = (name: string) => inFlight(scheduleByName(name, { devices: 4, microbatches: 8 }));
  expect(kept("gpipe")).toEqual([8, 8, 8, 8]);
  expect(kept("1f1b")).toEqual([4, 3, 2, 1]);
  expect(kept("eager-1f1b")).toEqual([7, 5, 3, 1]);
  expect(kept("zb-h1")).toEqual([4, 4, 4, 4]);
  expect(kept("zb-h2")).toEqual([7, 7, 7, 7]);
});
