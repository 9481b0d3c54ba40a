import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { withTable } from "../../scripts/bad/security-table.js";

const BAD = {
  passed: 1,
  failed: 1,
  failures: [{ violations: ["I4: 3000 ms, expected at most 2000"] }],
  cases: [
    { ms: 3000, mib: 70 },
    { ms: 10, mib: 80 },
  ],
};
const LIMITS = { cases: [{ name: "chain", ms: 1400, mostMs: 1500, mb: 190, mostMb: 200 }] };
const FUZZ = { seed: 1, seeds: 5, executions: 7000, worstMs: 220, peakMib: 111, failures: [] };

describe("the table of SECURITY.md", () => {
  it("says what passed, failed and was measured", () => {
    const made = withTable("before\n<!-- scoreboard -->old<!-- end of scoreboard -->\nafter", BAD, LIMITS, [FUZZ]);
    expect(made).toMatch(/^before\n<!-- scoreboard -->\n\n\| figure/);
    expect(made).toMatch(/\| bad and odd models, all invariants +\| 1 of 2 +\|/);
    expect(made).toMatch(/\| I4: time +\| 1 of 2 +\|/);
    expect(made).toMatch(/\| I5: memory +\| 2 of 2 +\|/);
    expect(made).toMatch(/\| slowest bad model +\| 3000 ms +\|/);
    expect(made).toMatch(/\| chain +\| 1400 of 1500 ms, 190 of 200 MB +\|/);
    expect(made).toMatch(/\| mutated models, seed 1, from 5 +\| 7000, 0 failures +\|/);
    expect(made).not.toContain("old");
    expect(withTable(made, BAD, LIMITS, [FUZZ])).toBe(made);
  });

  it("has its place in the document", () => {
    const document = readFileSync(new URL("../../SECURITY.md", import.meta.url), "utf8");
    expect(withTable(document, BAD, LIMITS, [FUZZ])).toContain("| 1 of 2");
  });
});
