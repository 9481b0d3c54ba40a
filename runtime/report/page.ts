/** @file The report as one HTML file that loads nothing: style and scripts inside, allowed by their hashes alone. */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { ModelLimits } from "../../compiler/onnx/limits.js";
import type { Env } from "../env/env.js";
import type { ReportDocument } from "./document.js";
import { readReport } from "./document.js";
import { graphSection } from "./graph-section.js";
import { lossSection } from "./loss-section.js";
import { Markup, markup } from "./markup.js";
import { solverSection, versionsSection } from "./plan-sections.js";
import { headline, memorySection, timelineSection } from "./sections.js";
import { splitSection } from "./split-section.js";

/** Name of the report in a plan directory. */
export const REPORT_FILE = "report.html";
const STYLE = "style.css";
/** Scripts of the page in the order in which they run; each stands alone. */
export const PAGE_SCRIPTS = [
  "controls.js",
  "view.js",
  "groups.js",
  "readout.js",
  "search.js",
  "link.js",
  "curve.js",
  "large-timeline.js",
  "large-graph.js",
];

/** Style and scripts of the page. */
export interface PageAssets {
  readonly style: string;
  readonly scripts: readonly string[];
}

/** Reads them from beside this file. @throws FILE. */
export async function loadAssets({ files }: Pick<Env, "files">): Promise<PageAssets> {
  const read = async (name: string): Promise<string> => {
    const path = fileURLToPath(new URL(`page/${name}`, import.meta.url));
    return new TextDecoder().decode(await files.read(path));
  };
  return { style: await read(STYLE), scripts: await Promise.all(PAGE_SCRIPTS.map(read)) };
}

/** The whole page. Ensures: the same document gives the same page, byte for byte. */
export function reportPage(document: ReportDocument, { style, scripts }: PageAssets): string {
  const { plan } = document;
  const policy = [
    "default-src 'none'",
    `style-src ${sourceHash(style)}`,
    `script-src ${scripts.map(sourceHash).join(" ")}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const about = `${plan.devices.length} devices, ${plan.stages.length} stages, ${plan.microbatches} microbatches, schedule ${plan.schedule.name}`;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${plan.model.name} · pipewright</title>
<style>${new Markup(style)}</style>
</head>
<body>
<header><p class="brand">pipewright</p><h1>${plan.model.name}</h1><p class="lead">${about}</p>${contents(document)}</header>
<main>
${headline(document)}
${graphSection(document)}${timelineSection(document)}<div class="pair">${splitSection(document)}<div>${memorySection(document)}${lossSection(document)}</div></div>
${solverSection(document)}${versionsSection(document)}</main>
${scripts.map((script) => markup`<script>${new Markup(script)}</script>\n`)}</body>
</html>
`.text;
}

/** Links to the parts of the page. */
function contents({ run }: ReportDocument): Markup {
  const parts: readonly (readonly [id: string, title: string])[] = [
    ["graph", "Stages"],
    ["timeline", "Timeline"],
    ["split", "Time"],
    ["memory", "Memory"],
    ...(run && run.losses.length > 0 ? ([["loss", "Loss"]] as const) : []),
    ["solver", "Search"],
    ["plan", "Versions"],
  ];
  return markup`<nav aria-label="Parts of the report">${parts.map(([id, title]) => markup`<a href="${`#${id}`}">${title}</a>`)}</nav>`;
}

/** Reads a plan directory and writes its report. Returns the size in bytes. @throws FILE, ARTEFACT_MISMATCH, LIMIT_EXCEEDED. */
export async function writeReport(env: Env, directory: string, path: string, limits?: ModelLimits): Promise<number> {
  const page = new TextEncoder().encode(reportPage(await readReport(env, directory, limits), await loadAssets(env)));
  await env.files.writeAtomic(path, page);
  return page.length;
}

/** Source expression of Content Security Policy level 3, section 2.3.1. */
function sourceHash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
