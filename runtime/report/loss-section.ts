/** @file The part of the report page about the loss over the steps of the run. */
import type { Place } from "./axes.js";
import { chart } from "./axes.js";
import { thinned } from "./charts.js";
import type { ReportDocument } from "./document.js";
import { formatMs, significant } from "./format.js";
import type { Markup } from "./markup.js";
import { markup, pictureTable, scriptJson } from "./markup.js";
import { section } from "./sections.js";

/** Most rows of the table; more steps are told in equal distances. */
const MOST_ROWS = 200;

/** Nothing without a run. */
export function lossSection({ run }: ReportDocument): Markup | undefined {
  if (!run || run.losses.length === 0) return undefined;
  const { losses, stepMs } = run;
  const [first, last] = [losses[0]!, losses.at(-1)!];
  const low = losses.reduce((least, value) => Math.min(least, value));
  const high = losses.reduce((most, value) => Math.max(most, value));
  const places = thinned(losses).map(([at, value]): Place => [at + 1, value]);
  const below: readonly Place[] = [
    [losses.length, low],
    [1, low],
  ];
  const every = Math.max(1, Math.ceil(losses.length / MOST_ROWS));
  const rows = losses.flatMap((loss, at) =>
    at % every === 0 || at === losses.length - 1
      ? [[String(at + 1), significant(loss), formatMs(stepMs[at] ?? 0)]]
      : [],
  );
  const points = places.map(([step, loss]) => [step, Number(loss.toPrecision(6))]);
  return section(
    "loss",
    "Loss",
    `Mean loss of each step before its update, ${losses.length} steps.`,
    markup`<figure class="curve">${chart({
      x: { from: 1, to: losses.length, format: (step) => `step ${step}`, isWhole: true },
      y: { from: low, to: high, format: significant },
      about: `Loss from ${significant(first)} to ${significant(last)} in ${losses.length} steps, least ${significant(low)}`,
      areas: [{ kind: "loss", places: [...places, ...below] }],
      curves: [{ kind: "loss", places }],
    })}<output class="readout"> </output><script type="application/json" class="points">${scriptJson(points)}</script></figure>${pictureTable(
      "Table of losses",
      [
        { title: "step", isNumber: true },
        { title: "loss", isNumber: true },
        { title: "time", isNumber: true },
      ],
      rows,
    )}`,
  );
}
