/** @file `simulate`: runs a plan on the simulator; timeline, step time, memory, and a trace for Perfetto. */
import { planCosts, planSchedule } from "../../../compiler/plan/replay.js";
import { simulate } from "../../../compiler/schedule/simulate.js";
import { readPlan } from "../../plan/directory.js";
import type { CommandBody } from "../command.js";
import { limitsOf } from "../read-model.js";
import { formatMs } from "../../report/format.js";
import { planSummary, stageTable, timelineRows } from "../render/plan.js";
import type { Fact } from "../render/table.js";
import { renderFacts } from "../render/table.js";
import { renderTimeline } from "../render/timeline.js";
import { predictedStep } from "../../report/step-view.js";
import { chromeTrace, predictedProcess } from "../../report/trace.js";

/** Requires: the argument is a plan directory. */
export const simulatePlan: CommandBody = async (context, directory, flags) => {
  const { out } = flags;
  const { env, columns, color } = context;
  const plan = await readPlan(env, directory, limitsOf(flags));
  const schedule = planSchedule(plan);
  const timeline = simulate(schedule, planCosts(plan));
  const rows = timelineRows(schedule, timeline);
  if (out !== undefined) await env.files.writeAtomic(out, chromeTrace([predictedProcess(plan, predictedStep(plan))]));
  const { makespanMs, bubble, busyMs, peakActivations } = timeline;
  const json = {
    plan: directory,
    makespanMs,
    bubble,
    devices: plan.devices.map(({ name }, device) => ({
      name,
      busyMs: busyMs[device],
      waitMs: makespanMs - busyMs[device]!,
      peakBytes: plan.stages
        .filter((stage) => stage.device === device)
        .reduce((sum, stage) => sum + stage.peakBytes, 0),
      actions: rows[device]!.cells,
    })),
    peakActivations,
    trace: out ?? null,
  };
  const busy = plan.devices.map(({ name }, device) => `${name} ${formatMs(busyMs[device]!)}`).join(", ");
  const written: readonly Fact[] = [
    ...(out === undefined ? [] : [["wrote", `${out}  (open it at ui.perfetto.dev)`] as const]),
    ["next", `pipewright train ${directory} --data synthetic --steps 10`],
  ];
  const lines = [
    stageTable(plan, columns),
    renderTimeline(rows, columns, color),
    planSummary(plan, columns) + renderFacts([["busy", busy], ...written], columns).trimEnd(),
  ];
  return { json, text: `${lines.join("\n")}\n` };
};
