/** @file The parts of the report page about the solver and about what was run with what. */
import { isClosed } from "../../compiler/gap.js";
import type { LearningRateSchedule, ParameterGroup } from "../../compiler/plan/plan.js";
import { computeMs } from "../../compiler/compute-ms.js";
import { legend, stackedBars } from "./charts.js";
import type { ReportDocument } from "./document.js";
import { formatBytes, formatCount, formatMs, formatShare, profileText } from "./format.js";
import { stageClass } from "./graph-picture.js";
import type { Markup, Part } from "./markup.js";
import { markup, pictureTable } from "./markup.js";
import { searchPicture } from "./search-picture.js";
import { coursePicture, winningTry } from "./solver-course.js";
import { section } from "./sections.js";

/** How good the partition is known to be, and what was tried. */
export function solverSection({ plan, search }: ReportDocument): Markup {
  const { certificate, solver } = plan.partition;
  const { forecast } = plan.schedule;
  const bars = plan.devices.map(({ name }, device) => {
    const parts = plan.stages
      .filter((stage) => stage.device === device)
      .map((stage) => {
        const ms = computeMs(stage);
        const title = `stage ${stage.index}: compute ${formatMs(ms)}`;
        return { kind: `fill ${stageClass(stage.index)}`, title, value: ms };
      });
    const ms = parts.reduce((sum, { value }) => sum + value, 0);
    return { name, note: formatMs(ms), parts, limit: certificate.boundMs };
  });
  const lead =
    certificate.status === "optimal"
      ? `No partition of these blocks has a faster slowest device: ${formatMs(certificate.bottleneckMs)} per microbatch with its transfers, proved by ${solver}.`
      : `The slowest device takes ${formatMs(certificate.bottleneckMs)} per microbatch with its transfers, found by ${solver}. None can take less than ${formatMs(certificate.boundMs)}: a gap of ${formatShare(certificate.gap)}.`;
  const winner = winningTry(search, certificate, plan.schedule.name);
  const log =
    search.length === 0
      ? markup`<p>There is no record of the search beside this plan.</p>`
      : markup`<div class="pair"><div>${winner?.course ? coursePicture(winner, winner.course) : undefined}</div><div>${searchPicture(search, forecast.boundMs)}${pictureTable(
          "Table of what was tried",
          [
            { title: "schedule" },
            { title: "partition" },
            { title: "by" },
            { title: "after", isNumber: true },
            { title: "bottleneck", isNumber: true },
            { title: "bound", isNumber: true },
            { title: "gap", isNumber: true },
            { title: "step", isNumber: true },
          ],
          search.map((attempt) => [
            attempt.schedule,
            attempt.status,
            attempt.solver,
            formatMs(attempt.endMs),
            ...[attempt.bottleneckMs, attempt.boundMs].map(msOrNothing),
            attempt.gap === undefined ? "" : formatShare(attempt.gap),
            msOrNothing(attempt.makespanMs),
          ]),
        )}</div></div>`;
  return section(
    "solver",
    "How good is the cut?",
    lead,
    markup`${stackedBars(bars, bars.map(({ name, note }) => `${name} ${note}`).join(", "))}${legend([
      ["fill s0", "compute of a stage per microbatch, in its colour"],
      ["limit", `lower bound of the slowest device, ${formatMs(certificate.boundMs)}`],
    ])}<p>Schedule <b>${plan.schedule.name}</b>: a step of ${formatMs(forecast.makespanMs)}, at least ${formatMs(forecast.boundMs)} in any order of the same actions (${isClosed(forecast.gap) ? "optimal" : `gap ${formatShare(forecast.gap)}`}).</p>${log}`,
  );
}

function msOrNothing(ms: number | undefined): string {
  return ms === undefined ? "" : formatMs(ms);
}

function scheduleText({ kind, warmupSteps, warmupStart, totalSteps, floor }: LearningRateSchedule): string {
  const rise = warmupSteps > 0 ? `from ${warmupStart} to 1 over ${warmupSteps} steps, then ` : "";
  return `${rise}${kind}${totalSteps === undefined ? "" : ` to ${floor} at step ${totalSteps}`}`;
}

function groupText({ weightDecay, learningRateScale }: ParameterGroup): string {
  const decay = weightDecay === undefined ? [] : [`weightDecay ${weightDecay}`];
  const scale = learningRateScale === undefined ? [] : [`learning rate times ${learningRateScale}`];
  return [...decay, ...scale].join(", ");
}

/** What the plan was made from, and what ran it. */
export function versionsSection({ plan, run }: ReportDocument): Markup {
  const item = (title: string, value: Part): Markup => markup`<div><dt>${title}</dt><dd>${value}</dd></div>`;
  const { optimizer, link, training } = plan;
  const { kind, schedule, groups = [], ...numbers } = optimizer;
  const settings = Object.entries(numbers).map(([name, value]) => `${name} ${value}`);
  const bind = Object.entries(training.bind).map(([name, value]) => `${name}=${value}`);
  return section(
    "plan",
    "Plan and versions",
    "Enough to make the same plan again.",
    markup`<dl class="facts">${[
      item(
        "model",
        `${plan.model.name}, ${plan.model.nodes} nodes, ${plan.model.blocks} blocks, ${formatCount(plan.model.parameters)} parameters`,
      ),
      item("model file, sha256", markup`<code>${plan.model.digest}</code>`),
      item("schedule", `${plan.schedule.name}, ${plan.microbatches} microbatches`),
      item("devices", plan.devices.map(({ name, kind: of }) => `${name} (${of})`).join(", ")),
      item("link", `${formatBytes(link.bytesPerMs * 1000)}/s, ${formatMs(link.latencyMs)}`),
      item("costs", profileText(plan.profile)),
      item("loss", training.loss.join("; ")),
      bind.length > 0 ? item("dimensions", bind.join(", ")) : undefined,
      item("optimizer", `${kind}: ${settings.join(", ")}`),
      schedule ? item("learning rate", scheduleText(schedule)) : undefined,
      ...groups.map((group) => item(`group ${group.parameters.join(", ")}`, groupText(group))),
      item("plan format", String(plan.version)),
      run
        ? item(
            "run with",
            `pipewright ${run.versions.pipewright}, ${run.versions.engine}, Node.js ${run.host.node}, ${run.host.platform} ${run.host.architecture}`,
          )
        : undefined,
      run
        ? item("machine", `${run.host.cpu}, ${run.host.cores} cores, ${formatBytes(run.host.memoryBytes)}`)
        : undefined,
    ]}</dl>`,
  );
}
