/**
 * @file Writes compiler/FEATURES.md from the op table and the import rules: `make-features [REAL.json]`, where the file
 * holds what `check-real --json` printed; without it the counts of real models stay as they are.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { OperatorReference, RealReport } from "./features/document.js";
import { featuresDocument } from "./features/document.js";

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));
const [real] = process.argv.slice(2);
const reference = JSON.parse(
  readFileSync(path("fixtures/reference/operators/ai.onnx.json"), "utf8"),
) as OperatorReference;
const document = path("compiler/FEATURES.md");
const before = existsSync(document) ? readFileSync(document, "utf8") : "";
const reports = real
  ? (JSON.parse(readFileSync(real, "utf8")) as { readonly archives: readonly RealReport[] }).archives
  : undefined;
writeFileSync(document, featuresDocument(reference, before, reports));
