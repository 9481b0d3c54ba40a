/** @file Solvers that lie, break or return rubbish: each is caught, and the heuristic plan comes back with its certificate. */
import { describe, expect, it } from "vitest";
import { certify } from "../../../compiler/partition/certificate.js";
import { Incumbent } from "../../../compiler/partition/incumbent.js";
import { instanceOf } from "../../../compiler/partition/instance.js";
import type { MilpModel, MilpResult, MilpSolver } from "../../../compiler/partition/milp.js";
import { partition } from "../../../compiler/partition/partition.js";
import { inlineHighs } from "../../../compiler/partition/solvers/highs.js";
import { wide } from "./problems.js";

type Lie = (model: MilpModel) => unknown;

/** The point to start from, changed. */
const point = (model: MilpModel, change: (x: Float64Array, model: MilpModel) => void): Float64Array => {
  const x = model.start!.slice();
  change(x, model);
  return x;
};
const optimal = (change: (x: Float64Array, model: MilpModel) => void, bound = 0): Lie => {
  return (model) => ({ status: "optimal", values: point(model, change), bound });
};
const integers = ({ integer }: MilpModel): number[] => [...integer.keys()].filter((c) => integer[c] === 1);
const payments = ({ integer }: MilpModel): number[] => [...integer.keys()].filter((c) => c > 0 && integer[c] === 0);
const same = (): void => undefined;

const lies: Record<string, Lie> = {
  "calls it infeasible": () => ({ status: "infeasible", bound: Infinity }),
  "calls it infeasible and solves it": (m) => ({ status: "infeasible", values: point(m, same), bound: 0 }),
  "has a status of its own": () => ({ status: "done", bound: 0 }),
  "has an empty status": () => ({ status: "", bound: 0 }),
  "has a number for a status": (m) => ({ status: 7, values: point(m, same), bound: 0 }),
  "has no status": (m) => ({ values: point(m, same), bound: 0 }),
  "has null for a status": () => ({ status: null, bound: 0 }),
  "is optimal without a point": () => ({ status: "optimal", bound: 0 }),
  "answers nothing": () => undefined,
  "answers null": () => null,
  "answers a number": () => 42,
  "answers text": () => "optimal",
  "has a NaN bound": optimal(same, NaN),
  "has no bound": (m) => ({ status: "optimal", values: point(m, same) }),
  "has text for a bound": (m) => ({ status: "optimal", values: point(m, same), bound: "0" }),
  "has null for a bound": (m) => ({ status: "feasible", values: point(m, same), bound: null }),
  "claims an infinite bound": optimal(same, Infinity),
  "claims twice the known load": optimal(same, 2),
  "claims a hair above the known load": optimal(same, 1.0001),
  "claims a bound above its own point": (m) => ({ status: "feasible", values: point(m, same), bound: 1.5 }),
  "claims a bound without a point": () => ({ status: "unknown", bound: 2 }),
  "claims infinity without a point": () => ({ status: "unknown", bound: Infinity }),
  "is feasible with a bound too high": () => ({ status: "feasible", bound: 3 }),
  "answers NaN": optimal((x) => x.fill(NaN)),
  "has one NaN": optimal((x, m) => (x[integers(m)[3]!] = NaN)),
  "has one NaN at the end": optimal((x) => (x[x.length - 1] = NaN)),
  "has an infinite value": optimal((x, m) => (x[integers(m)[0]!] = Infinity)),
  "has a value of minus infinity": optimal((x) => (x[0] = -Infinity)),
  "answers zeros": optimal((x) => x.fill(0)),
  "answers ones but for the load": optimal((x) => x.fill(1, 1).fill(0, 0, 1)),
  "understates the load": optimal((x) => (x[0] = 0.5)),
  "has a negative load": optimal((x) => (x[0] = -1)),
  "has a load above the cutoff": optimal((x) => (x[0] = 2)),
  "halves a decision": optimal((x, m) => (x[integers(m)[1]!] = 0.5)),
  "halves all decisions": optimal((x, m) => integers(m).forEach((c) => (x[c] = 0.5))),
  "is nearly integral": optimal((x, m) => (x[integers(m)[1]!]! += 1e-3)),
  "decides two": optimal((x, m) => (x[integers(m)[0]!] = 2)),
  "decides minus one": optimal((x, m) => (x[integers(m)[0]!] = -1)),
  "turns all decisions": optimal((x, m) => integers(m).forEach((c) => (x[c] = 1 - x[c]!))),
  "puts all on one stage": optimal((x, m) => integers(m).forEach((c) => (x[c] = 1))),
  "pays for nothing": optimal((x, m) => payments(m).forEach((c) => (x[c] = 0))),
  "pays less than nothing": optimal((x, m) => payments(m).forEach((c) => (x[c] = -1))),
  "is short by one": (m) => ({ status: "optimal", values: point(m, same).slice(1), bound: 0 }),
  "is long by one": (m) => ({ status: "optimal", values: Float64Array.of(...point(m, same), 0), bound: 0 }),
  "is empty": () => ({ status: "optimal", values: new Float64Array(0), bound: 0 }),
  "gives text for values": (m) => ({ status: "optimal", values: "1".repeat(m.objective.length), bound: 0 }),
  "gives an object for values": (m) => ({ status: "optimal", values: { length: m.objective.length }, bound: 0 }),
  "gives a plain list": (m) => ({ status: "optimal", values: [...point(m, same)], bound: 0 }),
  "gives bytes": (m) => ({ status: "optimal", values: Uint8Array.from(point(m, same)), bound: 0 }),
  "turns the point around": (m) => ({ status: "optimal", values: point(m, (x) => void x.reverse()), bound: 0 }),
  throws: () => {
    throw new Error("null function");
  },
  "throws text": () => {
    throw "abort()";
  },
  rejects: () => Promise.reject(new Error("table index is out of bounds")),
  "rejects with nothing": () => Promise.reject(),
  "throws when it is read": () => ({
    get status(): string {
      throw new Error("detached buffer");
    },
  }),
};

it("there are fifty lies and more", () => expect(Object.keys(lies).length).toBeGreaterThanOrEqual(50));

describe.each(["direct", "relay"] as const)("a solver that lies, %s", (model) => {
  const problem = wide(model);

  it.each(Object.entries(lies))("%s: it is caught", async (_, lie) => {
    const solver: MilpSolver = { name: "liar", maxColumns: 1e6, solve: (m) => lie(m) as Promise<MilpResult> };
    const faults: string[] = [];
    const heuristic = await partition(problem, { method: "slicing", solver: undefined });
    const result = await partition(problem, { method: "milp", solver, onFault: (fault) => faults.push(fault) });
    expect(faults).toEqual([expect.stringMatching(/^liar/)]);
    expect(result).toEqual(heuristic);
    expect(result.certificate.boundMs).toBeLessThanOrEqual(result.certificate.bottleneckMs);
  });
});

describe("a bound that cannot be checked", () => {
  it("is told from those that we prove", async () => {
    const problem = wide("direct");
    const liar: MilpSolver = {
      name: "liar",
      maxColumns: 1e6,
      solve: async (m) => ({ status: "optimal", values: m.start!, bound: 1 }),
    };
    const heuristic = await partition(problem, { method: "slicing", solver: undefined });
    const { certificate } = await partition(problem, { method: "milp", solver: liar });
    expect(certificate.boundMs).toBeCloseTo(heuristic.certificate.bottleneckMs, 4);
    expect(certificate.ownBoundMs).toBe(heuristic.certificate.boundMs);
    const honest = await partition(problem, { method: "milp", solver: inlineHighs() });
    expect(honest.certificate.bottleneckMs).toBeLessThan(certificate.boundMs);
    expect(honest.certificate.ownBoundMs).toBe(heuristic.certificate.boundMs);
  });

  it("falls when a better partition turns up", () => {
    const problem = { ...wide("direct"), emptyStages: true };
    const instance = instanceOf(problem);
    const best = new Incumbent(
      problem,
      instance,
      Int32Array.from({ length: 9 }, (_, v) => v),
      11,
    );
    best.offer(new Int32Array(9), "all on one stage");
    best.raiseBySolver(best.bottleneckMs);
    expect(best.gap).toBe(0);
    best.offer(Int32Array.of(0, 0, 0, 1, 1, 1, 2, 2, 2), "three stages");
    expect(best.contradictedMs).toBe(33);
    expect(certify(best.bottleneckMs, best.boundMs, best.ownBoundMs)).toMatchObject({
      boundMs: 11,
      status: "feasible",
    });
  });
});
