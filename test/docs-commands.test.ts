/** @file Every example of the reference of commands runs, in the order of the page. Apart from the other pages: it takes as long. */
import { expect, it } from "vitest";
import { runPage } from "./support/docs-page.js";
import { readRepositoryFile } from "./support/sources.js";

/** The pages beside this file run it. */
const DEMO = "demo";

it("has commands that run", { timeout: 600_000 }, async () => {
  expect(readRepositoryFile("README.md")).toContain(`\nnpx pipewright ${DEMO}\n`);
  await runPage("docs/reference/commands.md", { hasTorch: false, known: new Set([DEMO]) });
});
