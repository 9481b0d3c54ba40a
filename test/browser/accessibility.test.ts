/** @file axe finds nothing to object to in the report page, whatever its colours and its width. */
import axe from "axe-core";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ReportDocument } from "../../runtime/report/document.js";
import { sampleDocument, samplePlan } from "../runtime/report/sample-plan.js";
import { findChromium, launchChromium, OVERHANG } from "./chromium.js";
import { closePages, openReport } from "./opened-report.js";

const chromium = findChromium();

describe.skipIf(chromium === undefined)("the report page, to axe", () => {
  const folder = mkdtempSync(join(tmpdir(), "pipewright-axe-"));
  let browser: Browser;
  let document: ReportDocument;

  beforeAll(async () => {
    browser = await launchChromium(chromium!);
    document = sampleDocument(await samplePlan({ devices: 3, microbatches: 3, schedule: "zb-h1" }));
  });
  afterEach(() => closePages(browser));
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  it.each([
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["narrow", { viewport: { width: 375, height: 800 } }],
    ["narrow and dark", { viewport: { width: 375, height: 800 }, colorScheme: "dark" }],
    ["a tablet", { viewport: { width: 768, height: 1024 } }],
    ["wide", { viewport: { width: 1440, height: 900 } }],
  ] as const)("has nothing wrong: %s", async (_, options) => {
    const opening = { browser, folder, complain: () => undefined };
    const page = await openReport(opening, document, { ...options, bypassCSP: true });
    await page.$$eval("details", (all) => all.forEach((details) => (details.open = true)));
    await page.evaluate(axe.source);
    const violations = await page.evaluate<readonly string[]>(
      "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`))",
    );
    expect(violations).toEqual([]);
    expect(await page.evaluate<number>(OVERHANG)).toBeLessThanOrEqual(0);
  });
});
