/** @file The parts of the report page, each a picture, what it says in one sentence, and its table. */
import { predictedStepMs } from "../../compiler/plan/forecast.js";
import { formatBytes, formatCount, formatDifference, formatMs, formatShare, significant } from "./format.js";
import { legend, stackedBars } from "./charts.js";
import type { ReportDocument } from "./document.js";
import { bubbleOf, deviceMemory, medianStepMs, samplesPerStep } from "./document.js";
import { stageClass } from "./graph-picture.js";
import type { Markup, Part } from "./markup.js";
import { markup, pictureTable, scriptJson } from "./markup.js";
import { coarseTimelineSvg, timelineNumbers } from "./timeline-numbers.js";
import type { TimelinePlan } from "./timeline-picture.js";
import { cellName, laneNames, MOST_SVG_BARS, planTimeline, timelineSvg } from "./timeline-picture.js";

/** More stages than this are marked in the picture of the graph only. */
const MOST_STAGE_BUTTONS = 16;

/** A titled section. */
export function section(id: string, title: string, lead: Part, body: Part): Markup {
  return markup`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2><p class="lead">${lead}</p>${body}</section>\n`;
}

/** Buttons that the page's script shows. */
export function zoomControls(extra?: Markup): Markup {
  return markup`<div class="controls" hidden>${extra}<button type="button" data-zoom="out" aria-label="Zoom out">−</button><button type="button" data-zoom="in" aria-label="Zoom in">+</button><button type="button" data-zoom="fit">Fit</button></div>`;
}

/** Buttons that show or hide a step, and that mark a stage in all pictures. */
function timelineControls({ groups }: TimelinePlan, { plan }: ReportDocument): Markup {
  const steps =
    groups.length < 2
      ? []
      : groups.map(
          ({ title }) => markup`<button type="button" data-group="${title}" aria-pressed="true">${title}</button>`,
        );
  const stages =
    plan.stages.length > MOST_STAGE_BUTTONS
      ? []
      : plan.stages.map(
          ({ index }) =>
            markup`<button type="button" data-mark="${index}" aria-pressed="false"><span class="${`swatch fill ${stageClass(index)}`}"></span>stage ${index}</button>`,
        );
  return markup`<span class="choices">${stages}</span><span class="choices">${steps}</span>`;
}

/** Cards with the numbers that matter. */
export function headline({ plan, run, measured }: ReportDocument): Markup {
  const { forecast } = plan.schedule;
  const { certificate } = plan.partition;
  const card = (title: string, value: string, note: string): Markup =>
    markup`<div class="card"><dt>${title}</dt><dd><strong>${value}</strong><span>${note}</span></dd></div>`;
  const stepMs = run && medianStepMs(run);
  const predictedMs = predictedStepMs(forecast);
  const samples = samplesPerStep(plan);
  const [first, last] = [run?.losses[0], run?.losses.at(-1)];
  return markup`<dl class="cards">${[
    stepMs === undefined
      ? card("Step time", formatMs(predictedMs), "predicted")
      : card(
          "Step time",
          formatMs(stepMs),
          `predicted ${formatMs(predictedMs)}, ${formatDifference(predictedMs, stepMs)}`,
        ),
    card("Throughput", `${significant((1000 * samples) / (stepMs ?? predictedMs))}/s`, `${samples} samples a step`),
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
      ...(plan.isStaged ? ([["stage", "above a bar: its stage"]] as const) : []),
    ])}<figure class="view timeline">${zoomControls(timelineControls(plan, document))}<div class="frame">${laneNames(plan)}<div class="scroller" tabindex="0" role="region" aria-label="Timeline">${picture}</div></div><output class="readout"> </output>${numbers}</figure>${pictureTable(
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
