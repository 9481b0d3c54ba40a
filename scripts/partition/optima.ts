/** @file Exact optima of published workloads that others found, known by the content of the file. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { PartitionProblem } from "../../compiler/partition/problem.js";

interface KnownOptima {
  readonly workloads: readonly {
    readonly file: string;
    readonly sha256: string;
    /** Largest load by number of stages, to four decimals. */
    readonly optima: Readonly<Record<string, number>>;
  }[];
}

const PATH = new URL("../../fixtures/reference/partition-optima.json", import.meta.url);
/** Half of the last decimal that is known, and its rounding. */
const ROUNDING = 0.51e-4;

/** All that is known. */
export function knownOptima(): KnownOptima["workloads"] {
  return (JSON.parse(readFileSync(PATH, "utf8")) as KnownOptima).workloads;
}

/** The smallest possible largest load; undefined if nobody says it, or not for such stages. */
export function knownOptimum(text: string, { model, stages }: PartitionProblem): number | undefined {
  if (model !== "direct" || new Set(stages.map(({ device }) => device)).size < stages.length) return undefined;
  const sha256 = createHash("sha256").update(text).digest("hex");
  return knownOptima().find((own) => own.sha256 === sha256)?.optima[stages.length];
}

/** Up to the decimals that are known of the optimum. */
export function equalsOptimum(load: number, optimum: number): boolean {
  return Math.abs(load - optimum) <= ROUNDING;
}
