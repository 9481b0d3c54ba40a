/** @file The pieces of the partitioner are separate files, each with its source and its cost in its comments. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const PIECES = {
  "blocks: colocation, cycles, nets by pin set": "blocks",
  "transitive reduction": "closure",
  "upper bound by slicing": "slicing",
  "the same in the relay model": "slicing-relay",
  "lower bound by minimum cuts": "stage-bound",
  "minimum cuts between ideals": "cut-network",
  "programme over ideals": "ideal-pairs",
  "integer programme": "milp-model",
  coarsening: "coarsening",
  "neighbourhood search": "neighbourhood",
  certificate: "certificate",
};

function commentsOf(file: string): string {
  const text = readFileSync(new URL(`../../../compiler/partition/${file}.ts`, import.meta.url), "utf8");
  return [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)].map(([comment]) => comment.replaceAll(/\s*\*\s+/g, " ")).join("\n");
}

it.each(Object.entries(PIECES))("%s", (_, file) => {
  const comments = commentsOf(file);
  expect(comments).toMatch(/\b[A-Z][\w&., ]* (19|20)\d\d\b/);
  expect(comments).toMatch(/\bO\(|[Cc]ost(s)?: |[Ll]inear|[Cc]onstant time/);
});
