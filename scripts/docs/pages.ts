/** @file The pages of the documentation, from the root of the repository. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const DOCS = fileURLToPath(new URL("../../docs", import.meta.url));
/** Pages that stand beside what they are about. */
const ELSEWHERE = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "compiler/SCHEDULES.md",
  "runtime/SPEED.md",
  "runtime/TRAINING.md",
  "runtime/report/README.md",
];

export const PAGES: readonly string[] = [
  ...ELSEWHERE,
  ...readdirSync(DOCS, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name.replaceAll("\\", "/")}`)
    .sort(),
];
