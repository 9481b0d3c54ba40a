/** @file The cases of bench-ops: each has a forward and a backward, and each listed reason belongs to one. */
import { describe, expect, it, test } from "vitest";
import { BENCH_CASES, LIMIT } from "../../../scripts/ops/cases.js";
import { flopsOf, predictedMs } from "../../../scripts/ops/prediction.js";
import { programsOf } from "../../../scripts/ops/programs.js";
import { REASONS } from "../../../scripts/ops/reasons.js";

const names = BENCH_CASES.map(({ name }) => name);

describe("cases", () => {
  it("have names of their own", () => {
    expect(new Set(names).size).toBe(names.length);
  });

  it("promise a limit for the five ops that it is asked of, and for no other", () => {
    const promised = BENCH_CASES.filter(({ limit }) => limit === LIMIT).map(({ name }) => name.split(" ")[0]);
    expect([...new Set(promised)].sort()).toEqual(["Conv", "Gemm", "LayerNormalization", "MatMul", "Softmax"]);
    const grouped = BENCH_CASES.filter(({ name }) => /^Conv (depthwise|grouped)/.test(name));
    expect(grouped.map(({ limit }) => limit)).toEqual(grouped.map(() => undefined));
  });

  it("are what reasons are listed for", () => {
    expect([...REASONS.keys()].filter((name) => !names.includes(name))).toEqual([]);
  });

  test.each(BENCH_CASES.map((one) => [one.name, one] as const))("%s has both programs", (_name, one) => {
    const { forward, backward, fed } = programsOf(one);
    const known = new Set([...fed.keys(), ...forward.outputs].map(({ id }) => id));
    expect(backward.inputs.filter(({ id }) => !known.has(id))).toEqual([]);
    expect(backward.outputs.length).toBeGreaterThan(0);
    expect(predictedMs(forward)).toBeGreaterThan(0);
    expect(predictedMs(backward)).toBeGreaterThan(0);
  });
});

test("arithmetic is that of all forward nodes", () => {
  const gemm = BENCH_CASES.find(({ name }) => name.startsWith("Gemm 64x784"))!;
  expect(flopsOf(programsOf(gemm).forward)).toBe(2 * 64 * 784 * 512);
});
