/** @file Compares text with a file under fixtures/golden; `UPDATE_GOLDEN=1` rewrites the file instead. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

/** Longest golden file, so that a reviewer reads all of it. */
const MAX_LINES = 60;

/** `name` is relative to fixtures/golden, such as "schedules/gpipe.txt". */
export function golden(name: string, text: string): void {
  expect(text.split("\n").length, `${name} is too long to review`).toBeLessThanOrEqual(MAX_LINES + 1);
  const file = fileURLToPath(new URL(`../../fixtures/golden/${name}`, import.meta.url));
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  expect(text).toBe(readFileSync(file, "utf8"));
}
