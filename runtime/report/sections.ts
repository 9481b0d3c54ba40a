/** @file The parts of the report page, each a picture, what it says in one sentence, and its table. */
import { predictedStepMs } from "../../compiler/plan/forecast.js";
import { computeMs } from "../../compiler/compute-ms.js";
import { formatBytes, formatCount, formatDifference, formatMs, formatShare, significant } from "./format.js";
import { legend, lineChart, stackedBars } from "./charts.js";
import type { ReportDocument } from "./document.js";
import { bubbleOf, deviceMemory, medianStepMs } from "./document.js";
import type { Markup, Part } from "./markup.js";
import { markup, pictureTable, scriptJson } from "./markup.js";
import type { TimeSplit } from "./step-view.js";
import { timeSplit } from "./step-view.js";
import {
  cellName,
  coarseTimelineSvg,
  laneNames,
  MOST_SVG_BARS,
  planTimeline,
  timelineNumbers,
  timelineSvg,
} from "./timeline-picture.js";

/** A titled section. */
export function section(id: string, title: string, lead: Part, body: Part): Markup {
  return markup`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2><p class="lead">${lead}</p>${body}</section>\n`;
}

/** Buttons that the page's script shows. */
export function zoomControls(extra?: Markup): Markup {
  return markup`<div class="controls" hidden>${extra}<button type="button" data-zoom="out" aria-label="Zoom out">−</button><button type="button" data-zoom="in" aria-label="Zoom in">+</button><button type="button" data-zoom="fit">Fit</button></div>`;
}

/** Cards with the numbers that matter. */
export function headline({ plan, run, measured }: ReportDocument): Markup {
  const { forecast } = plan.schedule;
  const { certificate } = plan.partition;
  const card = (title: string, value: string, note: string): Markup =>
    markup`<div class="card"><dt>${title}</dt><dd><strong>${value}</strong><span>${note}</span></dd></div>`;
  const stepMs = run && medianStepMs(run);
  const predictedMs = predictedStepMs(forecast);
  const [first, last] = [run?.losses[0], run?.losses.at(-1)];
  return markup`<dl class="cards">${[
    stepMs === undefined
      ? card("Step time", formatMs(predictedMs), "predicted")
      : card(
          "Step time",
          formatMs(stepMs),
          `predicted ${formatMs(predictedMs)}, ${formatDifference(predictedMs, stepMs)}`,
        ),
    measured
      ? card("Bubble", formatShare(bubbleOf(measured)), `predicted ${formatShare(forecast.bubble)}`)
      : card("Bubble", formatShare(forecast.bubble), "predicted idle share"),
    card(
      "Partition",
      certificate.status === "optimal" ? "optimal" : `gap ${formatShare(certificate.gap)}`,
      `bottleneck ${formatMs(certificate.bottleneckMs)}, bound ${formatMs(certificate.boundMs)}`,
    ),
    card("Memory", formatBytes(Math.max(...forecast.peakBytes)), `fullest device of ${plan.devices.length}`),
    first === undefined || last === undefined
      ? card("Parameters", formatCount(plan.model.parameters), `${plan.model.nodes} nodes`)
      : card("Loss", significant(last), `from ${significant(first)} in ${run!.losses.length} steps`),
  ]}</dl>`;
}

/** Predicted and measured step on one axis. */
export function timelineSection(document: ReportDocument): Markup {
  const { predicted, measured } = document;
  const plan = planTimeline([
    { title: "predicted", view: predicted },
    ...(measured ? [{ title: "measured", view: measured }] : []),
  ]);
  const isLarge = plan.bars > MOST_SVG_BARS;
  const picture = isLarge ? coarseTimelineSvg(plan) : timelineSvg(plan);
  const numbers = isLarge
    ? markup`<script type="application/json" class="numbers">${scriptJson(timelineNumbers(plan))}</script>`
    : undefined;
  const rows = plan.groups.flatMap(({ title, view }) =>
    view.rows.flatMap(({ device, cells }) =>
      cells.map((cell) => [
        title,
        device,
        cellName(cell, true),
        formatMs(cell.startMs),
        formatMs(cell.endMs - cell.startMs),
        formatMs(cell.waitMs + cell.handoverMs),
      ]),
    ),
  );
  const lead = measured
    ? "The simulator's step above the measured one, on the same axis. Bars are actions, thin lines are tensors on their way."
    : "The step as the simulator sees it. Bars are actions, thin lines are tensors on their way. There is no run of this plan yet.";
  return section(
    "timeline",
    "One step, predicted and measured",
    lead,
    markup`${legend([
      ["F", "F: forward"],
      ["I", "B, I: gradient to inputs"],
      ["W", "W: gradient to weights"],
      ["U", "optimizer update"],
      ["wait", "waiting"],
      ["handover", "transfer, wake-up"],
      ["warm", "warm-up"],
      ["steady", "steady state"],
      ["cool", "cool-down"],
    ])}<figure class="view timeline">${zoomControls()}<div class="frame">${laneNames(plan)}<div class="scroller" tabindex="0" role="region" aria-label="Timeline">${picture}</div></div><output class="readout"> </output>${numbers}</figure>${pictureTable(
      "Table of all actions",
      [
        { title: "step" },
        { title: "device" },
        { title: "action" },
        { title: "start", isNumber: true },
        { title: "takes", isNumber: true },
        { title: "waited before", isNumber: true },
      ],
      rows,
    )}`,
  );
}

const SPLIT: readonly (readonly [kind: string, title: string, pick: (split: TimeSplit) => number])[] = [
  ["F", "forward", ({ forwardMs }) => forwardMs],
  ["I", "gradient to inputs", ({ inputGradMs }) => inputGradMs],
  ["W", "gradient to weights", ({ weightGradMs }) => weightGradMs],
  ["handover", "transfer, wake-up", ({ handoverMs }) => handoverMs],
  ["wait", "waits for another device", ({ waitMs }) => waitMs],
  ["rest", "done before the others", ({ restMs }) => restMs],
];

/** What each device did with the step. */
export function splitSection({ predicted, measured }: ReportDocument): Markup {
  const shown = measured ?? predicted;
  const splits = shown.rows.map((row) => ({ device: row.device, split: timeSplit(row, shown.spanMs) }));
  const bars = splits.map(({ device, split }) => ({
    name: device,
    note: `${formatShare(computeMs(split) / (shown.spanMs || 1))} busy`,
    parts: SPLIT.map(([kind, title, pick]) => ({
      kind,
      title: `${title} ${formatMs(pick(split))}`,
      value: pick(split),
    })),
  }));
  const about = bars.map(({ name, note }) => `${name} ${note}`).join(", ");
  return section(
    "split",
    "Where the time goes",
    `Of the ${measured ? "measured" : "predicted"} step, per device.`,
    markup`${stackedBars(bars, about)}${legend(SPLIT.map(([kind, title]) => [kind, title]))}${pictureTable(
      "Table of times",
      [{ title: "device" }, ...SPLIT.map(([, title]) => ({ title, isNumber: true }))],
      splits.map(({ device, split }) => [device, ...SPLIT.map(([, , pick]) => formatMs(pick(split)))]),
    )}`,
  );
}

/** Predicted peak per device against its limit. */
export function memorySection({ plan }: ReportDocument): Markup {
  const devices = deviceMemory(plan);
  const kinds = [
    ["m0", "parameters", "parameterBytes"],
    ["m1", "gradients, optimizer", "trainingBytes"],
    ["m2", "microbatches in flight", "activationBytes"],
    ["m3", "workspace", "workspaceBytes"],
  ] as const;
  const bars = devices.map((memory) => {
    const peak = kinds.reduce((sum, [, , member]) => sum + memory[member], 0);
    const { limitBytes } = memory;
    return {
      name: memory.device,
      note: limitBytes === undefined ? formatBytes(peak) : `${formatBytes(peak)} of ${formatBytes(limitBytes)}`,
      parts: kinds.map(([kind, title, member]) => ({
        kind,
        title: `${title} ${formatBytes(memory[member])}`,
        value: memory[member],
      })),
      ...(limitBytes === undefined ? {} : { limit: limitBytes }),
    };
  });
  const isLimited = devices.some(({ limitBytes }) => limitBytes !== undefined);
  return section(
    "memory",
    "Memory",
    isLimited
      ? "Predicted peak per device; the red line is its limit."
      : "Predicted peak per device. No device has a limit.",
    markup`${stackedBars(bars, bars.map(({ name, note }) => `${name} ${note}`).join(", "))}${legend(kinds.map(([kind, title]) => [kind, title]))}${pictureTable(
      "Table of memory",
      [
        { title: "device" },
        ...kinds.map(([, title]) => ({ title, isNumber: true })),
        { title: "limit", isNumber: true },
      ],
      devices.map((memory) => [
        memory.device,
        ...kinds.map(([, , member]) => formatBytes(memory[member])),
        memory.limitBytes === undefined ? "none" : formatBytes(memory.limitBytes),
      ]),
    )}`,
  );
}

/** Loss over the steps of the run. */
export function lossSection({ run }: ReportDocument): Markup | undefined {
  if (!run || run.losses.length === 0) return undefined;
  const { losses } = run;
  const every = Math.max(1, Math.ceil(losses.length / 200));
  const about = `Loss from ${significant(losses[0]!)} to ${significant(losses.at(-1)!)}`;
  const rows = losses.flatMap((loss, at) =>
    at % every === 0 || at === losses.length - 1
      ? [[String(at + 1), significant(loss), formatMs(run.stepMs[at] ?? 0)]]
      : [],
  );
  return section(
    "loss",
    "Loss",
    `Mean loss of each step before its update, ${losses.length} steps.`,
    markup`${lineChart(losses, about)}${pictureTable(
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
