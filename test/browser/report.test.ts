import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeEnv } from "../../runtime/env/node.js";
import type { ReportDocument } from "../../runtime/report/document.js";
import { reportDocument } from "../../runtime/report/document.js";
import { cellName } from "../../runtime/report/timeline-picture.js";
import { loadAssets, reportPage } from "../../runtime/report/page.js";
import { sampleDocument, samplePlan, sampleRun } from "../runtime/report/sample-plan.js";
import { findChromium, launchChromium } from "./chromium.js";

const HOSTILE = `</script><img src=x onerror="window.broken=1">\u202eאב😀${"long".repeat(80)}`;
/** Px by which the page is wider than the window. */
const OVERHANG = "document.documentElement.scrollWidth - innerWidth";
const chromium = findChromium();

describe.skipIf(chromium === undefined)("the report page in Chromium", () => {
  const folder = mkdtempSync(join(tmpdir(), "pipewright-page-"));
  let browser: Browser;
  let document: ReportDocument;
  const complaints: string[] = [];

  beforeAll(async () => {
    browser = await launchChromium(chromium!);
    document = sampleDocument(await samplePlan({ devices: 3, microbatches: 6, schedule: "zb-h1" }));
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  /** Opens the page of a document, offline. */
  async function open(shown: ReportDocument, options: BrowserContextOptions = {}): Promise<Page> {
    const path = join(folder, "report.html");
    writeFileSync(path, reportPage(shown, await loadAssets(nodeEnv())));
    const context = await browser.newContext({ offline: true, viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    complaints.length = 0;
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      if (request.url() !== `file://${path}`) complaints.push(`asked for ${request.url()}`);
    });
    await page.goto(`file://${path}`);
    return page;
  }

  /** Bars of the timeline with their places in px from the left of the picture. */
  async function bars(page: Page) {
    return page.$$eval(".timeline .lanes .bar", (groups) => {
      const picture = groups[0]!.closest("svg")!.getBoundingClientRect();
      return groups.map((group) => {
        const box = group.querySelector("rect")!.getBoundingClientRect();
        return {
          name: group.querySelector("text")!.textContent!,
          left: box.left - picture.left,
          width: box.width,
          top: box.top,
          total: picture.width,
        };
      });
    });
  }

  it("draws one bar per action, where and as long as it runs, none over another, and loads nothing", async () => {
    const page = await open(document);
    const views = [document.predicted, document.measured!];
    const endMs = Math.max(
      ...views.flatMap(({ rows }) => rows.map(({ updateEndMs }) => updateEndMs)),
      ...views.map(({ spanMs }) => spanMs),
    );
    const wanted = views.flatMap(({ rows }) =>
      rows.flatMap(({ cells }) => cells.map((cell) => ({ ...cell, name: cellName(cell, false) }))),
    );
    const drawn = await bars(page);
    expect(drawn.map(({ name }) => name)).toEqual(wanted.map(({ name }) => name));
    expect(drawn.length).toBe(2 * document.plan.rows.flat().length);
    drawn.forEach(({ left, width, total }, at) => {
      const { startMs, endMs: end } = wanted[at]!;
      expect(Math.abs(left - (startMs / endMs) * total)).toBeLessThan(0.6);
      expect(Math.abs(width - ((end - startMs) / endMs) * total)).toBeLessThan(0.6);
    });
    drawn.slice(1).forEach((bar, at) => {
      const before = drawn[at]!;
      if (bar.top === before.top) expect(before.left + before.width).toBeLessThan(bar.left + 0.05);
    });
    expect(complaints).toEqual([]);
  });

  it("draws every block in its stage", async () => {
    const page = await open(document);
    const titles = await page.$$eval(".graph .block > title", (all) => all.map(({ textContent }) => textContent!));
    const { blocks } = document.blocks!;
    expect(titles.length).toBe(blocks.length);
    titles.forEach((title, at) => expect(title).toContain(`stage ${blocks[at]!.stage}:`));
  });

  it.each([
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["narrow", { viewport: { width: 375, height: 800 } }],
  ] as const)("has nothing that axe objects to: %s", async (_, options) => {
    const page = await open(document, { ...options, bypassCSP: true });
    await page.$$eval("details", (all) => all.forEach((details) => (details.open = true)));
    await page.evaluate(axe.source);
    const violations = await page.evaluate<readonly string[]>(
      "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`))",
    );
    expect(violations).toEqual([]);
    expect(await page.evaluate<number>(OVERHANG)).toBeLessThanOrEqual(0);
  });

  it("shows hostile names as text", async () => {
    const { plan, blocks, search } = document;
    const hostile = reportDocument(
      {
        ...plan,
        model: { ...plan.model, name: HOSTILE },
        devices: plan.devices.map((device) => ({ ...device, name: HOSTILE })),
      },
      { ...blocks!, blocks: blocks!.blocks.map((block) => ({ ...block, name: HOSTILE, nodes: [HOSTILE, HOSTILE] })) },
      { ...sampleRun(plan), versions: { pipewright: HOSTILE, engine: HOSTILE } },
      search.map((attempt) => ({ ...attempt, schedule: HOSTILE, solver: HOSTILE })),
    );
    const page = await open(hostile, { viewport: { width: 375, height: 800 } });
    expect(await page.evaluate("window.broken")).toBeUndefined();
    expect(await page.$$("img")).toEqual([]);
    expect(await page.textContent("h1")).toContain("</script><img src=x onerror=");
    expect(await page.textContent("h1")).not.toContain("\u202e");
    expect(await page.evaluate<number>(OVERHANG)).toBeLessThanOrEqual(0);
    expect(complaints).toEqual([]);
  });

  it("shows pictures and tables without a script, and no buttons", async () => {
    const page = await open(document, { javaScriptEnabled: false });
    expect(await page.locator(".timeline .bar").count()).toBe(2 * document.plan.rows.flat().length);
    expect(await page.locator(".graph .block").first().isVisible()).toBe(true);
    expect(await page.locator("[data-zoom]").first().isVisible()).toBe(false);
    await page.locator("summary", { hasText: "Table of all actions" }).click();
    const rows = page.locator("details[open] tbody tr");
    expect(await rows.count()).toBe(2 * document.plan.rows.flat().length);
    expect(await rows.first().isVisible()).toBe(true);
  });

  it("zooms, finds, and reads parts out", async () => {
    const page = await open(document);
    const before = (await bars(page))[0]!;
    await page.locator(".timeline [data-zoom=in]").click();
    expect((await bars(page))[0]!.width).toBeCloseTo(1.5 * before.width, 0);
    await page.locator(".timeline [data-zoom=fit]").click();
    expect((await bars(page))[0]!.width).toBeCloseTo(before.width, 0);
    await page.locator(".timeline .bar").first().focus();
    await page.keyboard.press("ArrowRight");
    expect(await page.textContent(".timeline .readout")).toMatch(/^F1, stage 0, predicted: /);
    await page.locator(".model input").fill("RELU");
    const found = await page.locator(".block.match").count();
    const { blocks } = document.blocks!;
    expect(found).toBe(blocks.filter(({ nodes }) => nodes.some((node) => /relu/i.test(node))).length);
    expect(found).toBeGreaterThan(0);
    expect(await page.textContent(".found")).toBe(`${found} found`);
    expect(complaints).toEqual([]);
  });

  it("prints on paper without buttons", async () => {
    const page = await open(document);
    await page.emulateMedia({ media: "print" });
    expect(await page.locator(".controls").first().isVisible()).toBe(false);
    expect((await page.pdf()).length).toBeGreaterThan(10_000);
  });

  it("draws 100,000 actions and 5,000 blocks on canvases", async () => {
    const large = largeDocument(document);
    const text = reportPage(large, await loadAssets(nodeEnv()));
    expect(text.length).toBeLessThan(8e6);
    const begin = performance.now();
    const page = await open(large);
    await page.waitForSelector(".timeline canvas[data-drawn]");
    await page.waitForSelector(".model canvas[data-drawn]");
    expect(performance.now() - begin).toBeLessThan(20_000);
    await page.locator(".timeline canvas").hover({ position: { x: 2, y: 30 } });
    expect(await page.textContent(".timeline .readout")).toMatch(/^0F\d+, predicted: /);
    await page.locator(".model input").fill("block 4999");
    expect(await page.textContent(".found")).toBe("1 found");
    expect(complaints).toEqual([]);
    const plain = await open(large, { javaScriptEnabled: false });
    expect(await plain.locator(".timeline .coarse rect").count()).toBe(8);
  });
});

/** The document with 50,000 actions per step on two devices, and a chain of 5,000 blocks. */
function largeDocument({ plan, search }: ReportDocument): ReportDocument {
  const microbatches = 12_500;
  const row = (stage: number) =>
    (["F", "B"] as const).flatMap((phase) =>
      Array.from({ length: microbatches }, (_, microbatch) => ({ stage, phase, microbatch, waits: [] })),
    );
  const devices = plan.devices.slice(0, 2);
  const stages = [0, 1].map((index) => ({ ...plan.stages[0]!, index, device: index }));
  const large = { ...plan, devices, stages, microbatches, rows: [row(0), row(1)], slotGroups: [] };
  const blocks = Array.from({ length: 5000 }, (_, at) => ({
    name: `block ${at}`,
    stage: Math.floor(at / 2500),
    nodes: [`block ${at}`],
    forwardMs: 1,
    inputGradMs: 1,
    weightGradMs: 1,
    parameterBytes: 4,
    stashBytes: 4,
  }));
  const nets = blocks.slice(1).map((_, at) => ({ producer: at, consumers: [at + 1], forwardBytes: 4, gradBytes: 4 }));
  return reportDocument(large, { version: 1, blocks, nets }, sampleRun(large), search);
}
