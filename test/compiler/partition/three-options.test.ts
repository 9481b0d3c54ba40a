/** @file The three ways to cut one graph: balanced, cheap, and the trade-off; which is best depends on the link. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { evaluate } from "../../../compiler/partition/evaluate.js";
import { partition } from "../../../compiler/partition/partition.js";
import type { PartitionProblem } from "../../../compiler/partition/problem.js";
import { golden } from "../../support/golden.js";
import { alike, block } from "./problems.js";

interface Fixture {
  readonly blocksMs: readonly number[];
  readonly cutBytes: readonly number[];
  readonly options: Readonly<Record<string, readonly number[]>>;
  readonly links: Readonly<Record<string, number>>;
  readonly best: Readonly<Record<string, string>>;
}

const path = new URL("../../../fixtures/reference/partition-three-options.json", import.meta.url);
const fixture = JSON.parse(readFileSync(path, "utf8")) as Fixture;

function problemOn(bytesPerMs: number): PartitionProblem {
  return {
    graph: {
      blocks: fixture.blocksMs.map((ms, v) => block(v, ms)),
      nets: fixture.cutBytes.map((bytes, v) => ({
        producer: v,
        consumers: [v + 1],
        forwardBytes: bytes / 2,
        gradBytes: bytes / 2,
      })),
    },
    model: "direct",
    stages: alike(2),
    link: { latencyMs: 0, bytesPerMs },
  };
}

describe("three ways to cut a graph in two", () => {
  it.each(Object.entries(fixture.links))("the best on a %s link is found and proven", async (link, bytesPerMs) => {
    const { stageOf, certificate } = await partition(problemOn(bytesPerMs), { solver: undefined });
    expect(stageOf).toEqual(fixture.options[fixture.best[link]!]);
    expect(certificate.status).toBe("optimal");
  });

  it("shows compute, cut and load of each on each link", () => {
    const lines = ["option     stages      compute ms   link    cut ms   load ms"];
    for (const [name, stageOf] of Object.entries(fixture.options))
      for (const [link, bytesPerMs] of Object.entries(fixture.links)) {
        const { stages, bottleneckMs } = evaluate(problemOn(bytesPerMs), stageOf);
        const compute = stages.map((s) => s.computeMs).join(" + ");
        lines.push(
          `${name.padEnd(11)}${stageOf.join(" ")}   ${compute.padEnd(13)}${link.padEnd(8)}${stages[0]!.communicationMs.toFixed(2).padStart(6)}${bottleneckMs.toFixed(2).padStart(10)}${fixture.best[link] === name ? "  best" : ""}`,
        );
      }
    golden("partition-three-options.txt", lines.join("\n") + "\n");
  });
});
