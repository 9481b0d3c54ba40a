/** @file The solver's course: what is kept of it, which try it belongs to, and its picture. */
import { describe, expect, it } from "vitest";
import { stair, ticks } from "../../../runtime/report/axes.js";
import { coursePicture, winningTry } from "../../../runtime/report/solver-course.js";
import { SolverLog } from "../../../runtime/report/solver-log.js";
import type { SearchAttempt } from "../../../runtime/report/search-record.js";

const attempt = { schedule: "1f1b", solver: "highs", status: "optimal", endMs: 40 } as const;

describe("the log of solvers", () => {
  it("keeps the course that proved the bound of a try, and what became of its partition", () => {
    const log = new SolverLog();
    const [first, other] = [
      { bottleneckMs: Infinity, boundMs: 1, method: "none" },
      { bottleneckMs: 9, boundMs: 2, method: "slicing" },
    ];
    log.hear(first, 10);
    log.hear(other, 11);
    Object.assign(first, { bottleneckMs: 8, boundMs: 5, method: "highs" });
    log.hear(first, 20);
    const course = [
      { ms: 10, boundMs: 1, method: "none" },
      { ms: 20, bottleneckMs: 8, boundMs: 5, method: "highs" },
    ];
    expect(log.courseOf({ bottleneckMs: 8, boundMs: 5 }, 30)).toEqual(course);
    const moved = { ms: 30, bottleneckMs: 7, boundMs: 5, method: "descent on the step" };
    expect(log.courseOf({ bottleneckMs: 7, boundMs: 5 }, 30)).toEqual([...course, moved]);
    expect(log.courseOf({ bottleneckMs: 8, boundMs: 4 }, 30)).toBeUndefined();
    expect(log.courseOf({}, 30)).toBeUndefined();
  });

  it("thins long courses to their first and last points and parts between", () => {
    const log = new SolverLog();
    const state = { bottleneckMs: 1000, boundMs: 0, method: "highs" };
    for (let ms = 0; ms <= 1000; ms++) log.hear(Object.assign(state, { boundMs: ms }), ms);
    const course = log.courseOf({ bottleneckMs: 1000, boundMs: 1000 }, 2000)!;
    expect(course.length).toBeLessThanOrEqual(301);
    expect([course[0]!.ms, course.at(-1)!.ms]).toEqual([0, 1000]);
  });
});

describe("the picture of the solver's course", () => {
  const course = [
    { ms: 0, boundMs: 2, method: "none" },
    { ms: 10, bottleneckMs: 8, boundMs: 4, method: "slicing" },
    { ms: 20, bottleneckMs: 6, boundMs: 6, method: "highs" },
  ];

  it("is of the try that became the plan", () => {
    const search: readonly SearchAttempt[] = [
      { ...attempt, schedule: "gpipe", bottleneckMs: 6, boundMs: 6, course },
      { ...attempt, bottleneckMs: 6, boundMs: 6 },
      { ...attempt, bottleneckMs: 6, boundMs: 6, course },
    ];
    expect(winningTry(search, { bottleneckMs: 6, boundMs: 6 }, "1f1b")).toBe(search[2]);
    expect(winningTry(search, { bottleneckMs: 5, boundMs: 5 }, "1f1b")).toBeUndefined();
  });

  it("has a falling and a rising stair, the gap between them, and every point in its table", () => {
    const { text } = coursePicture(attempt, course);
    const points = (tag: string, kind: string) =>
      new RegExp(`<${tag} class="${kind}" points="(.*?)"/>`)
        .exec(text)![1]!
        .split(" ")
        .map((pair) => pair.split(",").map(Number));
    const best = points("polyline", "best").map(([, y]) => y!);
    const bound = points("polyline", "bound").map(([, y]) => y!);
    expect(best).toEqual(best.toSorted((a, b) => a - b));
    expect(bound).toEqual(bound.toSorted((a, b) => b - a));
    expect(best.at(-1)).toBe(bound.at(-1));
    expect(points("polygon", "gap")[0]).toEqual(points("polyline", "best")[0]);
    const rows = [...text.matchAll(/<tr>(.*?)<\/tr>/g)].slice(1).map(([, row]) => row!.replace(/<[^>]*>/g, " ").trim());
    expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
      ["0 ms", "2.00 ms", "none"],
      ["10.0 ms", "8.00 ms", "4.00 ms", "50.0 %", "slicing"],
      ["20.0 ms", "6.00 ms", "6.00 ms", "0.0 %", "highs"],
    ]);
  });
});

describe("axes", () => {
  it("have round ticks inside the range", () => {
    expect(ticks({ from: 1, to: 60, isWhole: true }, 5)).toEqual([20, 40, 60]);
    expect(ticks({ from: 1, to: 3, isWhole: true }, 5)).toEqual([1, 2, 3]);
    expect(ticks({ from: 7, to: 7 }, 5)).toEqual([7]);
  });

  it("have stairs that hold each value until the next", () => {
    const places = [
      [0, 5],
      [2, 3],
    ] as const;
    expect(stair(places, 9)).toEqual([
      [0, 5],
      [2, 5],
      [2, 3],
      [9, 3],
    ]);
  });
});
