/** @file The report page of a document, opened offline in a fresh context of a browser. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { nodeEnv } from "../../runtime/env/node.js";
import type { ReportDocument } from "../../runtime/report/document.js";
import { loadAssets, reportPage } from "../../runtime/report/page.js";

/** Where and how a page is opened. */
export interface Opening {
  readonly browser: Browser;
  /** The page is written here. */
  readonly folder: string;
  /** Told of every message and error of the page, and of everything else that it asks for. */
  readonly complain: (text: string) => void;
}

/** Waits for the browser as long as it takes: a test has its own end. */
export async function openReport(
  { browser, folder, complain }: Opening,
  shown: ReportDocument,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const path = join(folder, "report.html");
  writeFileSync(path, reportPage(shown, await loadAssets(nodeEnv())));
  const context = await browser.newContext({ offline: true, viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(0);
  const page = await context.newPage();
  page.on("console", (message) => complain(message.text()));
  page.on("pageerror", (error) => complain(error.message));
  page.on("request", (request) => {
    if (request.url() !== `file://${path}`) complain(`asked for ${request.url()}`);
  });
  await page.goto(`file://${path}`);
  return page;
}

/** Closes all pages. */
export async function closePages(browser: Browser): Promise<void> {
  for (const context of browser.contexts()) await context.close();
}
