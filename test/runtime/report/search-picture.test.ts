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

/** Corners of a curve of the picture. */
function curve(text: string, kind: string): readonly string[] {
  return new RegExp(`<polyline class="${kind}" points="(.*?)"/>`).exec(text)![1]!.split(" ");
}

it("draws each try that has a step, and the best so far as a stair", () => {
  const { text } = searchPicture(ATTEMPTS, 30)!;
  const dots = [...text.matchAll(/<circle class="(\w+)" cx="(.*?)" cy="(.*?)"/g)].map(([, ...found]) => found);
  expect(dots).toEqual([
    ["feasible", "0%", "65.679"],
    ["feasible", "33.33%", "7.037"],
    ["feasible", "66.67%", "124.321"],
    ["pruned", "100%", "153.642"],
  ]);
  expect(curve(text, "best")).toEqual(["0,34.57", "66.67,34.57", "66.67,65.43", "100,65.43"]);
  expect(curve(text, "bound")).toEqual(["0,96.3", "100,96.3"]);
  expect(text).toContain('aria-label="4 schedules in 40.0 ms, predicted steps from 30.0 ms to 60.0 ms"');
});

it("draws nothing for a search without a course", () => {
  expect(searchPicture(ATTEMPTS.slice(0, 1), 30)).toBeUndefined();
  expect(searchPicture([], 30)).toBeUndefined();
});
