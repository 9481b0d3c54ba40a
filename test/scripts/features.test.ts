/** @file compiler/FEATURES.md is what its script makes of the op table and the import rules. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { opNames } from "../../compiler/onnx/folding.js";
import { DECOMPOSITIONS } from "../../compiler/onnx/decompose/table.js";
import { STRUCTURAL } from "../../compiler/onnx/structural/table.js";
import { REFUSALS } from "../../compiler/onnx/unsupported.js";
import type { OperatorReference, RealReport } from "../../scripts/features/document.js";
import { featuresDocument, realPart } from "../../scripts/features/document.js";
import { featuresOf } from "../../scripts/features/operators.js";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const reference = JSON.parse(read("fixtures/reference/operators/ai.onnx.json")) as OperatorReference;
const { operators } = reference;

describe("compiler/FEATURES.md", () => {
  it("is what the script makes", () => {
    const document = read("compiler/FEATURES.md");
    expect(featuresDocument(reference, document)).toBe(document);
  });

  it("has a reason for every operator that is refused, and refuses no other", () => {
    const refused = Object.keys(operators).filter((op) => featuresOf(op).shape === "no");
    expect(refused).toEqual([...REFUSALS.keys()].sort());
  });

  it("knows every operator of the tables", () => {
    const own = [...opNames(), ...STRUCTURAL.keys(), ...DECOMPOSITIONS.keys()].filter((op) => !op.includes("."));
    const foreign = own.filter((op) => !Object.hasOwn(operators, op));
    expect(foreign).toEqual(["SimplifiedLayerNormalization"]);
  });

  it("counts every real model once", () => {
    const rows = read("compiler/FEATURES.md")
      .split("\n")
      .filter((line) => line.includes(".tar.gz"))
      .map((line) => line.split("|").slice(2, -1).map(Number));
    expect(rows.map(([models]) => models)).toEqual([1910, 753]);
    for (const [models, ...outcomes] of rows) expect(outcomes.reduce((sum, count) => sum + count, 0)).toBe(models);
  });
});

describe("the part of real models", () => {
  const nothing: OperatorReference = { operators: {}, inputs: {} };
  const report: RealReport = { archive: "a.tar.gz", models: 3, imported: 1, refused: { FILE: 2 }, failures: [] };

  it("has a column for each code", () => {
    expect(realPart([report])).toContain("| a.tar.gz | 3      | 1        | 2    | 0                  |");
  });

  it("replaces the counts of the document when there are new ones", () => {
    const first = featuresDocument(nothing, "", [report]);
    expect(featuresDocument(nothing, first)).toBe(first);
    expect(featuresDocument(nothing, first, [{ ...report, models: 4, imported: 2 }])).toContain("| a.tar.gz | 4 ");
  });
});
