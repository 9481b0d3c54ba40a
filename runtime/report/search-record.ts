/** @file search.json: what was tried before a plan was written, with the bound and the gap of each try. */
import * as z from "zod";
import type { Env } from "../env/env.js";
import { readBeside, sealedJson } from "../artefact.js";
import { SEARCH_FILE } from "../plan/directory.js";

const finite = z.number().min(0);
const point = z.strictObject({ ms: finite, bottleneckMs: finite.optional(), boundMs: finite, method: z.string() });
const attempt = z.strictObject({
  schedule: z.string(),
  stagesPerDevice: z.int().min(1).optional(),
  recompute: z.enum(["auto", "all"]).optional(),
  solver: z.string(),
  status: z.enum(["optimal", "feasible", "infeasible", "pruned"]),
  endMs: finite,
  bottleneckMs: finite.optional(),
  boundMs: finite.optional(),
  gap: finite.optional(),
  makespanMs: finite.optional(),
  course: z.array(point).optional(),
});
const schema = z.strictObject({ version: z.literal(1), attempts: z.array(attempt) });

/** A better partition or a better bound, `ms` after the search began. Times per microbatch. */
export interface SolverPoint {
  readonly ms: number;
  /** Undefined while there is no partition. */
  readonly bottleneckMs?: number | undefined;
  readonly boundMs: number;
  readonly method: string;
}

/** A schedule that was tried with its best partition. */
export interface SearchAttempt {
  readonly schedule: string;
  readonly stagesPerDevice?: number | undefined;
  readonly recompute?: "auto" | "all" | undefined;
  /** The method that gave the partition; "" when there is none. */
  readonly solver: string;
  /** pruned: a bound or a quick cut ruled it out. */
  readonly status: "optimal" | "feasible" | "infeasible" | "pruned";
  /** Since the search began. */
  readonly endMs: number;
  readonly bottleneckMs?: number | undefined;
  readonly boundMs?: number | undefined;
  readonly gap?: number | undefined;
  /** Predicted step. */
  readonly makespanMs?: number | undefined;
  /** What the solver found on the way. */
  readonly course?: readonly SolverPoint[] | undefined;
}

/** The text of search.json. */
export function searchJson(attempts: readonly SearchAttempt[]): string {
  return sealedJson({ version: 1, attempts });
}

/** What was tried; nothing when the plan came without a record. @throws FILE, ARTEFACT_MISMATCH. */
export async function readSearch({ files }: Env, directory: string): Promise<readonly SearchAttempt[]> {
  if (!(await files.exists(`${directory}/${SEARCH_FILE}`))) return [];
  return (await readBeside(files, directory, SEARCH_FILE, schema)).attempts;
}
