/** @file HiGHS (Huangfu & Hall 2018) as a MilpSolver: WebAssembly, one thread, in the caller's thread. */
import type { Highs } from "highs";
import type { MilpLimits, MilpModel, MilpResult, MilpSolver, MilpStatus } from "../milp.js";

/** HiGHS's model status codes that we tell apart. */
const OPTIMAL = 7;
const INFEASIBLE = 8;
/** info.primal_solution_status of a feasible point. */
const POINT_FEASIBLE = 2;

/**
 * Solves one model. Same model and node limit: same answer on every machine; a time limit gives that up.
 * Requires highs ≥ 1.15: 1.14 calls wrong points optimal.
 * @throws what HiGHS throws; the instance must not be used again after that.
 */
function solveWithHighs(highs: Highs, model: MilpModel, limits: MilpLimits): MilpResult {
  const numCols = model.objective.length;
  const numRows = model.rowUpper.length;
  const native = highs.createModel({
    numCols,
    numRows,
    colCost: model.objective,
    colLower: model.lower,
    colUpper: model.upper,
    rowLower: model.rowLower,
    rowUpper: model.rowUpper,
    matrix: {
      format: "csr",
      numRows,
      numCols,
      starts: model.matrix.start,
      indices: model.matrix.entries,
      values: model.values,
    },
    integrality: Int32Array.from(model.integer),
  });
  try {
    native.options.set({ output_flag: false, random_seed: 0, mip_rel_gap: limits.relativeGap, mip_abs_gap: 1e-9 });
    if (limits.nodeLimit !== undefined) native.options.set({ mip_max_nodes: limits.nodeLimit });
    if (limits.timeLimitMs !== undefined) native.options.set({ time_limit: Math.max(0.01, limits.timeLimitMs / 1000) });
    if (model.start) native.setSolution({ colValue: model.start });
    native.run();
    const code: number = native.getModelStatus();
    const isLinear = !model.integer.includes(1);
    const bound = Number(native.info.get(isLinear ? "objective_function_value" : "mip_dual_bound"));
    if (code === INFEASIBLE) return { status: "infeasible", bound: Infinity };
    const hasPoint = Number(native.info.get("primal_solution_status")) === POINT_FEASIBLE;
    const usable = Number.isFinite(bound) && (code === OPTIMAL || !isLinear) ? bound : -Infinity;
    if (!hasPoint) return { status: "unknown", bound: usable };
    const status: MilpStatus = code === OPTIMAL ? "optimal" : "feasible";
    const values = Float64Array.from(native.getSolution().colValue ?? []);
    return { status, values, bound: usable };
  } finally {
    native.dispose();
  }
}

/** The package's types describe its CommonJS form; Node gives us the ES module. */
interface HighsModule {
  readonly default: () => Promise<Highs>;
}

/** HiGHS in this thread: blocks it while solving. Loads its 3 MB module on first use. */
export function inlineHighs(): MilpSolver {
  let loading: Promise<Highs> | undefined;
  return {
    name: "highs",
    maxColumns: 60_000,
    async solve(model, limits) {
      loading ??= (import("highs") as unknown as Promise<HighsModule>).then((module) => module.default());
      try {
        return solveWithHighs(await loading, model, limits);
      } catch (error) {
        loading = undefined;
        throw error;
      }
    },
  };
}
