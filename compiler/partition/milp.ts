/**
 * @file What the partitioner asks of a solver of mixed-integer linear programmes, and how its answer is doubted: feasible
 * points are checked row by row, bounds against known points, as in Cook et al. 2013, "A hybrid branch-and-bound approach
 * for exact rational mixed-integer programming", but in floating point. O(entries) for each answer.
 */
import type { Rows } from "./rows.js";

/**
 * Minimise objective · x subject to rowLower ≤ A x ≤ rowUpper, lower ≤ x ≤ upper, some x integer.
 * Entries of A: row r has `values[q]` in column `matrix.entries[q]`.
 */
export interface MilpModel {
  readonly objective: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** 1 for integer columns. */
  readonly integer: Uint8Array;
  readonly matrix: Rows;
  readonly values: Float64Array;
  readonly rowLower: Float64Array;
  readonly rowUpper: Float64Array;
  /** A feasible point to start from. */
  readonly start?: Float64Array;
}

/** When to stop. */
export interface MilpLimits {
  /** (best − bound) / best that is good enough. */
  readonly relativeGap: number;
  /** Branch-and-bound nodes: keeps results the same on every machine. */
  readonly nodeLimit?: number;
  /** Keeps waiting bounded; results then depend on the machine. */
  readonly timeLimitMs?: number;
}

/** optimal: within the gap. feasible: stopped early with a point. unknown: stopped early without one. */
export type MilpStatus = "optimal" | "feasible" | "infeasible" | "unknown";

/** `bound`: no feasible point has a smaller objective; −Infinity when nothing is known. */
export interface MilpResult {
  readonly status: MilpStatus;
  readonly values?: Float64Array;
  readonly bound: number;
}

/** A solver. Its answers are never trusted: see `checkedSolve`. */
export interface MilpSolver {
  readonly name: string;
  /** Columns beyond which the solver is known to stall. */
  readonly maxColumns: number;
  /** May reject; the caller goes on without it. */
  solve(model: MilpModel, limits: MilpLimits): Promise<MilpResult>;
}

/** An answer that contradicts nothing we can check, or what was wrong with it. */
export type CheckedResult =
  | { readonly fault?: undefined; readonly values?: Float64Array; readonly bound: number; readonly status: MilpStatus }
  | { readonly fault: string };

/** Largest amount by which `x` breaks a row, a bound or integrality; NaN counts as infinite. O(entries). */
export function infeasibility(model: MilpModel, x: Float64Array): number {
  let worst = 0;
  const note = (amount: number): void => {
    if (!(amount <= worst)) worst = Number.isNaN(amount) ? Infinity : amount;
  };
  for (let c = 0; c < x.length; c++) {
    note(model.lower[c]! - x[c]!);
    note(x[c]! - model.upper[c]!);
    if (model.integer[c] === 1) note(Math.abs(x[c]! - Math.round(x[c]!)));
  }
  for (let r = 0; r < model.rowLower.length; r++) {
    let sum = 0;
    for (let q = model.matrix.start[r]!; q < model.matrix.start[r + 1]!; q++)
      sum += model.values[q]! * x[model.matrix.entries[q]!]!;
    note(model.rowLower[r]! - sum);
    note(sum - model.rowUpper[r]!);
  }
  return worst;
}

/** Solvers work to 1e-6; sums of many terms may be off by a little more. */
const TOLERANCE = 1e-5;

function objectiveOf(model: MilpModel, x: Float64Array): number {
  return x.reduce((sum, value, c) => sum + value * model.objective[c]!, 0);
}

/**
 * Runs the solver and holds its answer against what is known: the point must satisfy the model, the bound must be a
 * number not above any known point, and a model with a start cannot be infeasible. A crash is a fault as well.
 */
export async function checkedSolve(solver: MilpSolver, model: MilpModel, limits: MilpLimits): Promise<CheckedResult> {
  try {
    return doubted(solver, model, await solver.solve(model, limits));
  } catch (error) {
    return { fault: `${solver.name} failed: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function doubted(solver: MilpSolver, model: MilpModel, result: MilpResult | null | undefined): CheckedResult {
  if (typeof result !== "object" || result === null) return { fault: `${solver.name}: no answer` };
  const { status, values, bound } = result;
  if (!["optimal", "feasible", "infeasible", "unknown"].includes(status))
    return { fault: `${solver.name}: status ${String(status)}` };
  if (typeof bound !== "number" || Number.isNaN(bound)) return { fault: `${solver.name}: the bound is no number` };
  const known = model.start ? objectiveOf(model, model.start) : Infinity;
  if (status === "infeasible")
    return model.start
      ? { fault: `${solver.name}: called a model infeasible that has a solution` }
      : { status, bound: Infinity };
  if (values === undefined) {
    if (status === "optimal") return { fault: `${solver.name}: optimal without a solution` };
    if (bound > known + TOLERANCE) return { fault: `${solver.name}: the bound is above a known solution` };
    return { status, bound };
  }
  if (!(values instanceof Float64Array)) return { fault: `${solver.name}: the solution is no list of numbers` };
  if (values.length !== model.objective.length)
    return { fault: `${solver.name}: ${values.length} values for ${model.objective.length} columns` };
  if (!(infeasibility(model, values) <= TOLERANCE)) return { fault: `${solver.name}: the solution breaks the model` };
  if (bound > Math.min(known, objectiveOf(model, values)) + TOLERANCE)
    return { fault: `${solver.name}: the bound is above a known solution` };
  return { status, values, bound };
}
