/** @file The part of the report page about what devices did with the step, and how far each action was predicted. */
import { computeMs } from "../../compiler/compute-ms.js";
import type { Phase } from "../../compiler/schedule/action.js";
import type { StackedBar } from "./charts.js";
import { legend, scaleOf, stackedBars } from "./charts.js";
import type { ReportDocument } from "./document.js";
import { formatDifference, formatMs, formatShare } from "./format.js";
import type { Markup } from "./markup.js";
import { markup, pictureTable } from "./markup.js";
import { section } from "./sections.js";
import type { StepView, TimeSplit } from "./step-view.js";
import { timeSplit } from "./step-view.js";

const SPLIT: readonly (readonly [kind: string, title: string, pick: (split: TimeSplit) => number])[] = [
  ["F", "forward", ({ forwardMs }) => forwardMs],
  ["I", "gradient to inputs", ({ inputGradMs }) => inputGradMs],
  ["W", "gradient to weights", ({ weightGradMs }) => weightGradMs],
  ["handover", "transfer, wake-up", ({ handoverMs }) => handoverMs],
  ["wait", "waits for another device", ({ waitMs }) => waitMs],
  ["rest", "done before the others", ({ restMs }) => restMs],
];

/** A step with its title. */
interface TitledStep {
  readonly title: string;
  readonly view: StepView;
}

/** What each device does with the step, as predicted and as measured, on one scale. */
export function splitSection({ predicted, measured }: ReportDocument): Markup {
  const steps: readonly TitledStep[] = [
    { title: "predicted", view: predicted },
    ...(measured ? [{ title: "measured", view: measured }] : []),
  ];
  const groups = steps.map(({ title, view }) => ({ title, bars: splitBars(view) }));
  const most = scaleOf(groups.flatMap(({ bars }) => bars));
  const pictures = groups.map(({ title, bars }) => {
    const about = `${title}: ${bars.map(({ name, note }) => `${name} ${note}`).join(", ")}`;
    const head = groups.length > 1 ? markup`<h3>${title}</h3>` : undefined;
    return markup`${head}${stackedBars(bars, about, most)}`;
  });
  const rows = steps.flatMap(({ title, view }) =>
    view.rows.map((row) => {
      const split = timeSplit(row, view.spanMs);
      return [title, row.device, ...SPLIT.map(([, , pick]) => formatMs(pick(split)))];
    }),
  );
  return section(
    "split",
    "Where the time goes",
    measured ? "Of the predicted and of the measured step, per device." : "Of the predicted step, per device.",
    markup`${pictures}${legend(SPLIT.map(([kind, title]) => [kind, title]))}${pictureTable(
      "Table of times",
      [{ title: "step" }, { title: "device" }, ...SPLIT.map(([, title]) => ({ title, isNumber: true }))],
      rows,
    )}${measured ? actionTable(predicted, measured) : undefined}`,
  );
}

function splitBars(view: StepView): readonly StackedBar[] {
  return view.rows.map((row) => {
    const split = timeSplit(row, view.spanMs);
    return {
      name: row.device,
      note: `${formatShare(computeMs(split) / (view.spanMs || 1))} busy`,
      parts: SPLIT.map(([kind, title, pick]) => ({
        kind,
        title: `${title} ${formatMs(pick(split))}`,
        value: pick(split),
      })),
    };
  });
}

/** Stage by stage, what an action was predicted to take, and the median of what it took. */
function actionTable(predicted: StepView, measured: StepView): Markup {
  const expected = durations(predicted);
  const taken = durations(measured);
  return pictureTable(
    "Table of predicted and measured actions",
    [
      { title: "stage", isNumber: true },
      { title: "action" },
      { title: "predicted", isNumber: true },
      { title: "measured, median", isNumber: true },
      { title: "difference", isNumber: true },
    ],
    [...expected.values()]
      .sort((a, b) => a.stage - b.stage || a.phase.localeCompare(b.phase))
      .map(({ stage, phase, ms }) => {
        const [own, real] = [median(ms), median(taken.get(`${stage}${phase}`)!.ms)];
        return [String(stage), phase, formatMs(own), formatMs(real), own > 0 ? formatDifference(own, real) : ""];
      }),
  );
}

interface Durations {
  readonly stage: number;
  readonly phase: Phase;
  readonly ms: number[];
}

function durations({ rows }: StepView): ReadonlyMap<string, Durations> {
  const found = new Map<string, Durations>();
  for (const { stage, phase, startMs, endMs } of rows.flatMap(({ cells }) => cells)) {
    const known = found.get(`${stage}${phase}`);
    if (known) known.ms.push(endMs - startMs);
    else found.set(`${stage}${phase}`, { stage, phase, ms: [endMs - startMs] });
  }
  return found;
}

/** Requires: one value or more. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
