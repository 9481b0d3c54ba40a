/** @file Chromium for the tests of the report page: found, or skipped in a line that everyone sees. */
import { existsSync } from "node:fs";
import type { Browser } from "playwright-core";
import { chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--font-render-hinting=none",
];

/** Px by which a page is wider than its window, as an expression. */
export const OVERHANG = "document.documentElement.scrollWidth - innerWidth";

/** Path of the browser; undefined when there is none. @throws when PIPEWRIGHT_REQUIRE_BROWSER is set and there is none. */
export function findChromium(): string | undefined {
  const found = PLACES.find((path) => existsSync(path));
  if (found) return found;
  if (process.env.PIPEWRIGHT_REQUIRE_BROWSER) throw new Error(`no browser at any of ${PLACES.join(", ")}`);
  process.stderr.write("skipped: the report page in a browser, for there is no Chromium (apt-get install chromium)\n");
  return undefined;
}

/** A fresh browser without a window. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, headless: true, args: ARGUMENTS, timeout: 0 });
}
