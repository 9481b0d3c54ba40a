/** @file `compare`: two plans and their last runs, side by side. */
import { predictedStepMs } from "../../../compiler/plan/forecast.js";
import type { ReportDocument } from "../../report/document.js";
import { bubbleOf, medianStepMs, readReport } from "../../report/document.js";
import { formatBytes, formatDifference, formatMs, formatShare, significant } from "../../report/format.js";
import type { CommandBody } from "../command.js";
import { limitsOf } from "../read-model.js";
import { renderTable, shorten } from "../render/table.js";

/** Of a path above a column; names differ at both ends. */
const MOST_LETTERS = 20;

/** One thing that is compared. `pick` gives nothing where a plan has no run. */
interface Measure {
  readonly name: string;
  readonly member: string;
  readonly pick: (document: ReportDocument) => number | undefined;
  readonly format: (value: number) => string;
}

const MEASURES: readonly Measure[] = [
  {
    name: "step, predicted",
    member: "predictedStepMs",
    pick: ({ plan }) => predictedStepMs(plan.schedule.forecast),
    format: formatMs,
  },
  { name: "step, measured", member: "measuredStepMs", pick: ({ run }) => run && medianStepMs(run), format: formatMs },
  {
    name: "bubble, predicted",
    member: "predictedBubble",
    pick: ({ plan }) => plan.schedule.forecast.bubble,
    format: formatShare,
  },
  {
    name: "bubble, measured",
    member: "measuredBubble",
    pick: ({ measured }) => measured && bubbleOf(measured),
    format: formatShare,
  },
  {
    name: "bottleneck",
    member: "bottleneckMs",
    pick: ({ plan }) => plan.partition.certificate.bottleneckMs,
    format: formatMs,
  },
  { name: "bound", member: "boundMs", pick: ({ plan }) => plan.partition.certificate.boundMs, format: formatMs },
  { name: "gap", member: "gap", pick: ({ plan }) => plan.partition.certificate.gap, format: formatShare },
  {
    name: "largest stage",
    member: "peakBytes",
    pick: ({ plan }) => Math.max(...plan.stages.map(({ peakBytes }) => peakBytes)),
    format: formatBytes,
  },
  {
    name: "sent per microbatch",
    member: "sendBytes",
    pick: ({ plan }) => plan.stages.reduce((sum, { sendBytes }) => sum + sendBytes, 0),
    format: formatBytes,
  },
  { name: "stages", member: "stages", pick: ({ plan }) => plan.stages.length, format: String },
  { name: "microbatches", member: "microbatches", pick: ({ plan }) => plan.microbatches, format: String },
  { name: "last loss", member: "finalLoss", pick: ({ run }) => run?.losses.at(-1), format: significant },
];

/** Which step is shorter, as measured if both were. */
function verdict([first, second]: readonly string[], documents: readonly ReportDocument[]): string {
  const [a, b] = documents.map(({ run }) => run && medianStepMs(run));
  const [predictedA, predictedB] = documents.map(({ plan }) => plan.schedule.forecast.makespanMs);
  const isMeasured = a !== undefined && b !== undefined;
  const share = isMeasured ? b / a - 1 : predictedB! / predictedA! - 1;
  const how = isMeasured ? "as measured" : "as predicted";
  if (share === 0) return `${second} and ${first} take the same time per step, ${how}`;
  return `${second} takes ${formatShare(Math.abs(share))} ${share < 0 ? "less" : "more"} time per step than ${first}, ${how}`;
}

/** Requires: both arguments are plan directories. */
export const compare: CommandBody = async ({ env, columns, others }, first, flags) => {
  const paths = [first, others[0]!];
  const documents = await Promise.all(paths.map((path) => readReport(env, path, limitsOf(flags))));
  const values = MEASURES.map((measure) => ({ measure, pair: documents.map(measure.pick) }));
  const rows = values.map(({ measure: { name, format }, pair: [a, b] }) => [
    name,
    a === undefined ? "no run" : format(a),
    b === undefined ? "no run" : format(b),
    a === undefined || b === undefined || a === 0 ? "" : formatDifference(a, b),
  ]);
  const schedules = documents.map(({ plan }) => plan.schedule.name);
  const text = renderTable(
    [
      { title: "", flexible: true },
      ...paths.map((path) => ({ title: shorten(path, MOST_LETTERS), align: "right" as const })),
      { title: "difference", align: "right" },
    ],
    [["schedule", ...schedules, ""], ...rows],
    columns,
  );
  const side = (at: number) => ({
    plan: paths[at],
    schedule: schedules[at],
    ...Object.fromEntries(values.map(({ measure: { member }, pair }) => [member, pair[at] ?? null])),
  });
  const next = `next: pipewright report ${paths[1]}, for its timelines`;
  return { json: { a: side(0), b: side(1) }, text: `${text}\n${verdict(paths, documents)}\n${next}\n` };
};
