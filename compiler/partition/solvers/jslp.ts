/** @file javascript-lp-solver as a MilpSolver: small models only, for cross-checks and where WebAssembly is missing. */
import type { MilpModel, MilpResult, MilpSolver } from "../milp.js";
import { infeasibility } from "../milp.js";

/** Beyond this the solver stalls, and past its own time limit it calls relaxed points feasible. */
const MAX_COLUMNS = 300;

/** What comes back from the library that we look at; columns are further keys. */
interface JslpAnswer extends Record<string, unknown> {
  readonly feasible?: boolean;
  readonly isIntegral?: boolean;
}

/** The library's types declare an export that its ES module does not have, so its shape is stated here. */
interface JslpModule {
  readonly default: { Solve(model: object): JslpAnswer };
}

function describe(model: MilpModel): object {
  const columns: Record<string, Record<string, number>> = {};
  const constraints: Record<string, { max?: number; min?: number }> = {};
  const ints: Record<string, 1> = {};
  for (let c = 0; c < model.objective.length; c++) {
    const column: Record<string, number> = { objective: model.objective[c]!, [`bound${c}`]: 1 };
    constraints[`bound${c}`] = { min: model.lower[c]!, max: model.upper[c]! };
    columns[`c${c}`] = column;
    if (model.integer[c] === 1) ints[`c${c}`] = 1;
  }
  for (let r = 0; r < model.rowUpper.length; r++) {
    constraints[`row${r}`] = {
      ...(model.rowLower[r]! > -Infinity ? { min: model.rowLower[r]! } : {}),
      ...(model.rowUpper[r]! < Infinity ? { max: model.rowUpper[r]! } : {}),
    };
    for (let q = model.matrix.start[r]!; q < model.matrix.start[r + 1]!; q++)
      columns[`c${model.matrix.entries[q]!}`]![`row${r}`] = model.values[q]!;
  }
  return { optimize: "objective", opType: "min", constraints, variables: columns, ints };
}

/**
 * The second solver. An answer counts only if it is integral and satisfies the model by our own arithmetic; anything
 * else is "unknown". It has neither a start nor limits, so `limits` are ignored.
 */
export function jslpSolver(): MilpSolver {
  return {
    name: "jslp",
    maxColumns: MAX_COLUMNS,
    async solve(model): Promise<MilpResult> {
      if (model.objective.length > MAX_COLUMNS) return { status: "unknown", bound: -Infinity };
      const { default: library } = (await import("javascript-lp-solver")) as unknown as JslpModule;
      const answer = library.Solve(describe(model));
      const integral = answer.isIntegral === true || !model.integer.includes(1);
      if (answer.feasible !== true || !integral) return { status: "unknown", bound: -Infinity };
      const values = Float64Array.from(model.objective, (_, c) => {
        const value = answer[`c${c}`];
        const number = typeof value === "number" ? value : 0;
        return model.integer[c] === 1 ? Math.round(number) : number;
      });
      if (!(infeasibility(model, values) <= 1e-6)) return { status: "unknown", bound: -Infinity };
      const objective = values.reduce((sum, value, c) => sum + value * model.objective[c]!, 0);
      return { status: "optimal", values, bound: objective };
    },
  };
}
