/**
 * @file Writes the table of measured figures into SECURITY.md from the JSON documents of a full run:
 * `make-security-table CHECK_BAD.json LIMITS.json FUZZ.json...`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { EXIT_CODE } from "../compiler/errors.js";
import type { BadReport, FuzzReport, LimitsReport } from "./bad/security-table.js";
import { withTable } from "./bad/security-table.js";

const [bad, limits, ...fuzz] = process.argv.slice(2);
if (!bad || !limits || fuzz.length === 0) {
  console.error("usage: make-security-table CHECK_BAD.json LIMITS.json FUZZ.json...");
  process.exit(EXIT_CODE.USAGE);
}
const path = fileURLToPath(new URL("../SECURITY.md", import.meta.url));
const read = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"));
const made = withTable(
  readFileSync(path, "utf8"),
  read(bad) as BadReport,
  read(limits) as LimitsReport,
  fuzz.map((file) => read(file) as FuzzReport),
);
writeFileSync(path, made);
