/** @file The report page in a browser: what it draws, says and does. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { nodeEnv } from "../../runtime/env/node.js";
import type { ReportDocument } from "../../runtime/report/document.js";
import { reportDocument } from "../../runtime/report/document.js";
import { cellName } from "../../runtime/report/timeline-picture.js";
import { loadAssets, reportPage } from "../../runtime/report/page.js";
import { sampleDocument, samplePlan, sampleRun } from "../runtime/report/sample-plan.js";
import { findChromium, launchChromium, OVERHANG } from "./chromium.js";
import { closePages, openReport } from "./opened-report.js";

const HOSTILE = `</script><img src=x onerror="window.broken=1">\u202eאב😀${"long".repeat(80)}`;
const chromium = findChromium();

describe.skipIf(chromium === undefined)("the report page in Chromium", () => {
  const folder = mkdtempSync(join(tmpdir(), "pipewright-page-"));
  let browser: Browser;
  let document: ReportDocument;
  const complaints: string[] = [];

  beforeAll(async () => {
    browser = await launchChromium(chromium!);
    document = sampleDocument(await samplePlan({ devices: 3, microbatches: 6, schedule: "zb-h1" }));
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  afterEach(() => closePages(browser));

  async function open(shown: ReportDocument, options: BrowserContextOptions = {}): Promise<Page> {
    complaints.length = 0;
    return openReport({ browser, folder, complain: (text) => complaints.push(text) }, shown, options);
  }

  /** Bars of the timeline with their places in px from the left of the picture. */
  async function bars(page: Page) {
    return page.$$eval(".timeline .lanes .bar", (groups) => {
      const picture = groups[0]!.closest("svg")!.getBoundingClientRect();
      return groups.map((group) => {
        const box = group.querySelector("rect")!.getBoundingClientRect();
        return {
          name: group.getAttribute("data-name")!,
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

  it("marks warm-up, steady state, cool-down, waits and transfers where they are", async () => {
    const page = await open(document);
    const views = [document.predicted, document.measured!];
    const rows = views.flatMap((view) => view.rows);
    const endMs = Math.max(...views.map(({ spanMs }) => spanMs), ...rows.map(({ updateEndMs }) => updateEndMs));
    /** Start and end in ms of all marks of a kind, as drawn. */
    const marks = async (kind: string) =>
      page.$$eval(
        `.lanes rect.${kind}`,
        (rects, total) =>
          rects.map((rect) => {
            const [x, width] = ["x", "width"].map((name) => (parseFloat(rect.getAttribute(name)!) / 100) * total);
            return [x!, x! + width!];
          }),
        endMs,
      );
    const near = (drawn: readonly number[][], wanted: readonly number[][]) => {
      expect(drawn.length).toBe(wanted.length);
      for (const [at, ends] of wanted.entries())
        for (const [side, ms] of ends.entries()) expect(Math.abs(drawn[at]![side]! - ms)).toBeLessThan(endMs * 1e-5);
    };
    const ended = rows.map(({ cells }) => cells.at(-1)!.endMs);
    const longer = (ends: readonly number[][]) => ends.filter(([from, to]) => to! > from!);
    near(await marks("warm"), longer(rows.map(({ steadyMs }) => [0, steadyMs])));
    near(await marks("steady"), longer(rows.map(({ steadyMs, coolDownMs }) => [steadyMs, coolDownMs])));
    near(await marks("cool"), longer(rows.map(({ coolDownMs }, at) => [coolDownMs, ended[at]!])));
    const cells = rows
      .flatMap((row) => row.cells)
      .filter(({ waitMs, handoverMs }) => waitMs + handoverMs > endMs / 1000);
    near(
      await marks("wait"),
      cells
        .filter(({ waitMs }) => waitMs > endMs / 4000)
        .map(({ startMs, waitMs, handoverMs }) => [startMs - waitMs - handoverMs, startMs - handoverMs]),
    );
    near(
      await marks("handover"),
      cells
        .filter(({ handoverMs }) => handoverMs > endMs / 4000)
        .map(({ startMs, handoverMs }) => [startMs - handoverMs, startMs]),
    );
    const lines = await page.locator(".messages line").count();
    expect(lines).toBe(views.reduce((sum, { messages }) => sum + messages.length, 0));
    expect(lines).toBeGreaterThan(0);
  });

  it("writes names of actions where they fit, and microbatches or nothing where they do not", async () => {
    const page = await open(document);
    for (let times = 0; times < 8; times++) await page.locator(".timeline [data-zoom=in]").click();
    const texts = await page.$$eval(".bar text", (all) =>
      all
        .filter((text) => !text.classList.contains("hide"))
        .map((text) => ({
          shown: text.textContent!,
          name: text.parentElement!.getAttribute("data-name")!,
          room: text.parentElement!.querySelector("rect")!.getBoundingClientRect().width,
          width: text.getBoundingClientRect().width,
        })),
    );
    expect(texts.length).toBeGreaterThan(0);
    for (const { shown, name, room, width } of texts) {
      expect(width).toBeLessThanOrEqual(room);
      expect([name, /\d+$/.exec(name)![0]]).toContain(shown);
    }
  });

  it("shows the predicted step, the measured one, or both", async () => {
    const page = await open(document);
    const places = async () =>
      page.$$eval(".lanes > .group", (groups) =>
        groups.map((group) => {
          const first = group.querySelector(".lane")!.getBoundingClientRect();
          const all = group.closest("svg")!.getBoundingClientRect();
          return group.classList.contains("gone") ? undefined : first.top - all.top;
        }),
      );
    const both = await places();
    await page.getByRole("button", { name: "predicted" }).click();
    const [gone, moved] = await places();
    expect(gone).toBeUndefined();
    expect(Math.abs(moved! - both[0]!)).toBeLessThan(1);
    await page.getByRole("button", { name: "measured" }).click();
    const only = await places();
    expect([only[0], only[1]]).toEqual([both[0], undefined]);
    await page.getByRole("button", { name: "measured" }).click();
    expect(await places()).toEqual(both);
    expect(complaints).toEqual([]);
  });

  it("ties blocks and bars of a stage together", async () => {
    const page = await open(document);
    const marked = (kind: string) => page.locator(`.${kind}.marked`).count();
    const barsOf = (stage: number) => 2 * document.plan.rows.flat().filter((action) => action.stage === stage).length;
    const blocksOf = (stage: number) => document.blocks!.blocks.filter((block) => block.stage === stage).length;
    await page.locator('.block[data-stage="1"]').first().hover();
    expect(await page.evaluate("document.documentElement.className")).toContain("marking-bars");
    expect(await marked("bar")).toBe(barsOf(1));
    await page.locator(".bar").first().hover();
    expect(await marked("block")).toBe(blocksOf(0));
    expect(await page.locator(".bar.same").count()).toBe(2);
    await page.locator('.block[data-stage="1"]').first().focus();
    await page.keyboard.press("Enter");
    await page.locator("h1").hover();
    expect([await marked("bar"), await marked("block")]).toEqual([barsOf(1), blocksOf(1)]);
    expect(await page.getByRole("button", { name: "stage 1" }).getAttribute("aria-pressed")).toBe("true");
    await page.keyboard.press("Escape");
    expect(await page.evaluate<string>("document.documentElement.className")).not.toContain("marking");
    await page.getByRole("button", { name: "stage 2" }).click();
    expect(await marked("bar")).toBe(barsOf(2));
    expect(complaints).toEqual([]);
  });

  it("says of a bar how long the same action takes in the other step", async () => {
    const page = await open(document);
    const titles = await page.$$eval(".bar > title", (all) => all.map(({ textContent }) => textContent!));
    expect(titles[0]).toMatch(/^F0, stage 0, predicted: 0 ms to .*, takes .*; measured: .*, \+100\.0 %$/);
    const [predicted, measured] = [titles.slice(0, titles.length / 2), titles.slice(titles.length / 2)];
    for (const title of predicted) expect(title).toMatch(/; measured: [^,]*(, \+100\.0 %)?$/);
    for (const title of measured) expect(title).toMatch(/, measured: .*; predicted: [^,]*(, \+100\.0 %)?$/);
  });

  it("has a table behind every picture, with all that the picture shows", async () => {
    const page = await open(document);
    await page.$$eval("details", (all) => all.forEach((details) => (details.open = true)));
    const rows = async (title: string) => page.locator("details", { hasText: title }).locator("tbody tr").count();
    const { plan, blocks, search } = document;
    expect(await rows("Table of stages")).toBe(plan.stages.length);
    expect(await rows("Table of blocks")).toBe(blocks!.blocks.length);
    expect(await rows("Table of cut tensors")).toBe(await page.locator(".graph .cut").count());
    expect(await rows("Table of all actions")).toBe(await page.locator(".bar").count());
    expect(await rows("Table of times")).toBe(2 * plan.devices.length);
    expect(await rows("Table of memory")).toBe(plan.devices.length);
    expect(await rows("Table of losses")).toBe(4);
    expect(await rows("Table of what was tried")).toBe(search.length);
    expect(await rows("Table of the solver's log")).toBe(search[0]!.course!.length);
    const bare = await page.$$eval("section:has(svg, canvas)", (all) =>
      all.filter((section) => !section.querySelector("table")).map(({ textContent }) => textContent),
    );
    expect(bare).toEqual([]);
  });

  it("labels every cut tensor in bytes, no label over another, and leads its line to each reader", async () => {
    const page = await open(document);
    const labels = await page.$$eval(".label text", (all) =>
      all.map((text) => {
        const { left, right, top, bottom } = text.getBoundingClientRect();
        return { text: text.textContent!, box: { left, right, top, bottom } };
      }),
    );
    const sizes = /^(← )?\d[\d.]* (B|KiB|MiB)( [→⇄]| → \d[\d.]* (B|KiB|MiB) ←)?$/;
    expect(labels.length).toBe(await page.locator(".graph .cut").count());
    for (const [at, { text, box }] of labels.entries()) {
      expect(text).toMatch(sizes);
      for (const { box: other } of labels.slice(0, at))
        expect(
          box.right <= other.left ||
            other.right <= box.left ||
            box.bottom <= other.top + 2 ||
            other.bottom <= box.top + 2,
        ).toBe(true);
    }
  });

  it("draws every block in its stage", async () => {
    const page = await open(document);
    const titles = await page.$$eval(".graph .block > title", (all) => all.map(({ textContent }) => textContent!));
    const { blocks } = document.blocks!;
    expect(titles.length).toBe(blocks.length);
    titles.forEach((title, at) => expect(title).toContain(`stage ${blocks[at]!.stage}:`));
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
    await page.keyboard.press("End");
    expect(await page.textContent(".timeline .readout")).toMatch(/, measured: /);
    await page.locator(".curve .plot").hover({ position: { x: 1, y: 50 } });
    expect(await page.textContent(".curve .readout")).toBe("step 1: loss 2");
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
    const page = await open(large);
    await page.waitForSelector(".timeline canvas[data-drawn]");
    await page.waitForSelector(".model canvas[data-drawn]");
    await page.locator(".timeline canvas").hover({ position: { x: 2, y: 40 } });
    expect(await page.textContent(".timeline .readout")).toMatch(/^F\d+, stage 0, predicted: .*; measured: /);
    await page.locator(".timeline canvas").focus();
    await page.keyboard.press("ArrowDown");
    expect(await page.textContent(".timeline .readout")).toMatch(/^F\d+, stage 1, predicted: /);
    await page.getByRole("button", { name: "predicted" }).click();
    await page.keyboard.press("Tab");
    await page.locator(".timeline canvas").press("ArrowRight");
    expect(await page.textContent(".timeline .readout")).toMatch(/^F0, stage 0, measured: /);
    await page.locator(".model input").fill("block 4999");
    expect(await page.textContent(".found")).toBe("1 found");
    await page.keyboard.press("Enter");
    expect(await page.textContent(".model .readout")).toBe("block 4999, stage 1: F 1 ms, I 1 ms, W 1 ms");
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
