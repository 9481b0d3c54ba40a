/** @file The picture of the search: every try a dot, the best so far a stair that only falls. */
import { expect, it } from "vitest";
import { searchPicture } from "../../../runtime/report/search-picture.js";
import type { SearchAttempt } from "../../../runtime/report/search-record.js";

const tried = (schedule: string, endMs: number, makespanMs: number): SearchAttempt => {
  return { schedule, solver: "slicing", status: "feasible", endMs, makespanMs };
};

const ATTEMPTS: readonly SearchAttempt[] = [
  tried("gpipe", 10, 50),
  tried("wave", 20, 60),
  tried("1f1b", 30, 40),
  { ...tried("zb-v", 40, 35), status: "pruned" },
  { schedule: "v-min", solver: "", status: "infeasible", endMs: 40 },
];

function ends(text: string, kind: string): readonly (readonly string[])[] {
  return [...text.matchAll(new RegExp(`<line class="${kind}" x1="(.*?)" y1="(.*?)" x2="(.*?)" y2="(.*?)"/>`, "g"))].map(
    ([, ...found]) => found,
  );
}

it("draws each try that has a step, and the best so far as a stair", () => {
  const { text } = searchPicture(ATTEMPTS, 30)!;
  const dots = [...text.matchAll(/<circle class="(\w+)" cx="(.*?)" cy="(.*?)"/g)].map(([, ...found]) => found);
  expect(dots).toEqual([
    ["feasible", "26.5%", "34.333%"],
    ["feasible", "50%", "3%"],
    ["feasible", "73.5%", "65.667%"],
    ["pruned", "97%", "81.333%"],
  ]);
  expect(ends(text, "best")).toEqual([
    ["26.5%", "34.333%", "73.5%", "34.333%"],
    ["73.5%", "34.333%", "73.5%", "65.667%"],
    ["73.5%", "65.667%", "97%", "65.667%"],
  ]);
  expect(ends(text, "limit")).toEqual([["0%", "97%", "100%", "97%"]]);
  expect(text).toContain('aria-label="4 schedules in 40.0 ms, predicted steps from 30.0 ms to 60.0 ms"');
});

it("draws nothing for a search without a course", () => {
  expect(searchPicture(ATTEMPTS.slice(0, 1), 30)).toBeUndefined();
  expect(searchPicture([], 30)).toBeUndefined();
});
