/** @file Published workloads against the exact optima that others found. More of them: npm run -s bench:partition. */
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { OPTIMAL_GAP } from "../../../compiler/partition/certificate.js";
import { partition } from "../../../compiler/partition/partition.js";
import { equalsOptimum, knownOptima, knownOptimum } from "../../../scripts/partition/optima.js";
import { loadWorkload, problemOf, recheck } from "../../../scripts/partition/workload.js";

const FOLDER = fileURLToPath(new URL("../../../../shared/corpus/partition/", import.meta.url));
const ONCE = { copies: 1, perturb: 0, seed: 1 };
const cases = knownOptima().flatMap(({ file, optima }) => {
  const path = FOLDER + file.replace("/", "-");
  return existsSync(path) ? Object.entries(optima).map(([stages, optimum]) => ({ path, file, stages, optimum })) : [];
});
const profiles = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith(".txt")) : [];
if (cases.length === 0)
  process.stdout.write("skipped: ../shared/corpus/partition is absent, no published workload is partitioned\n");

describe.skipIf(cases.length === 0)("workloads of ../shared/corpus/partition", () => {
  test.each(cases)("$file on $stages stages: the exact optimum, proven", async ({ path, stages, optimum }) => {
    const workload = loadWorkload(path, ONCE);
    const problem = problemOf(workload, Number(stages), "direct");
    expect(knownOptimum(workload.text, problem)).toBe(optimum);
    const { stageOf, certificate } = await partition(problem, { solver: undefined });
    const { maxLoad, broken } = recheck(workload, problem, stageOf);
    expect(broken).toEqual([]);
    expect(maxLoad).toBeCloseTo(certificate.bottleneckMs, 9);
    expect(equalsOptimum(maxLoad, optimum)).toBe(true);
    expect(certificate.status).toBe("optimal");
    expect(certificate.gap).toBeLessThanOrEqual(OPTIMAL_GAP);
  });

  test.each(profiles)("%s, profiled by PipeDream: the second count agrees in both models", async (name) => {
    const workload = loadWorkload(FOLDER + name, ONCE);
    for (const model of ["direct", "relay"] as const) {
      const problem = problemOf(workload, 4, model);
      const { stageOf, certificate } = await partition(problem, { solver: undefined });
      const { maxLoad, broken } = recheck(workload, problem, stageOf);
      expect(broken).toEqual([]);
      expect(maxLoad).toBeCloseTo(certificate.bottleneckMs, 9);
      expect(certificate.gap).toBeLessThanOrEqual(OPTIMAL_GAP);
    }
  });
});

describe("what is known", () => {
  const text = `{"maxSizePerFPGA": 9, "nodes": [{"id": 0, "fpgaLatency": 1, "isBackwardNode": false, "size": 1},
    {"id": 1, "fpgaLatency": 2, "isBackwardNode": false, "size": 1}], "edges": []}`;

  test("is nothing of a workload that nobody published", () => {
    expect(knownOptimum(text, problemOf({ name: "own", text }, 2, "direct"))).toBeUndefined();
  });

  test("is 54 optima of 16 workloads, each larger than those on more stages", () => {
    const all = knownOptima().map(({ optima }) => Object.values(optima));
    expect(all).toHaveLength(16);
    expect(all.flat()).toHaveLength(54);
    for (const loads of all) expect(loads).toEqual(loads.toSorted((a, b) => b - a));
  });

  test("is told from what is a little more", () => {
    expect(equalsOptimum(59.16562, 59.1656)).toBe(true);
    expect(equalsOptimum(59.1658, 59.1656)).toBe(false);
  });
});
