/** @file `schedule`: a schedule from integers, from costs, or from a file, with its bubble, bound and memory. */
import { PipewrightError } from "../../../compiler/errors.js";
import type { Schedule } from "../../../compiler/schedule/action.js";
import { formatAction } from "../../../compiler/schedule/action.js";
import { makespanBound } from "../../../compiler/schedule/bound.js";
import { checkSchedule } from "../../../compiler/schedule/check.js";
import type { ScheduleCosts } from "../../../compiler/schedule/costs.js";
import { uniformCosts } from "../../../compiler/schedule/costs.js";
import { readCsv, writeCsv } from "../../../compiler/schedule/csv.js";
import { printSchedule } from "../../../compiler/schedule/print.js";
import { problemOf } from "../../../compiler/schedule/problem.js";
import { SCHEDULES, scheduleByName } from "../../../compiler/schedule/registry.js";
import { searchSchedule } from "../../../compiler/schedule/search.js";
import type { Timeline } from "../../../compiler/schedule/simulate.js";
import { simulate } from "../../../compiler/schedule/simulate.js";
import { loopedPlacement } from "../../../compiler/schedule/size.js";
import type { CommandBody, Context, Outcome } from "../command.js";
import type { FlagValues } from "../flags.js";
import type { CostRequest } from "../parse/costs.js";
import { formatMs, formatShare } from "../../report/format.js";
import { renderList } from "../render/table.js";
import { renderTimeline } from "../render/timeline.js";
import { timelineRows } from "../render/plan.js";

const DEFAULT_COSTS: CostRequest = { forwardMs: 1, inputGradMs: 1, weightGradMs: 1, sendMs: 0 };
const DEFAULT_NAME = "1f1b";

/** Lists the known schedules, or builds, reads or searches one. */
export const schedule: CommandBody = async (context, _, flags) => {
  if (!flags.devices && flags.csv === undefined) return listSchedules(context);
  const costs = flags.costs ?? DEFAULT_COSTS;
  const built = flags.csv === undefined ? buildSchedule(flags, costs) : await readSchedule(context, flags.csv);
  const times = stageCosts(built.stages, costs);
  const timeline = simulate(built, times);
  checkMemory(built, timeline, flags.memory);
  if (flags.out !== undefined) await context.env.files.writeAtomic(flags.out, writeCsv(built));
  return describe(context, built, times, timeline, flags);
};

function listSchedules({ columns }: Context): Outcome {
  const list = SCHEDULES.map(({ name, aliases, summary }) => ({ name, aliases, summary }));
  const items = list.map(({ name, aliases, summary }): [string, string] => [
    name,
    aliases.length > 0 ? `${summary} (also called ${aliases.join(", ")})` : summary,
  ]);
  const next = "\nnext: pipewright schedule --devices 4 --microbatches 8 --schedule 1f1b\n";
  return { json: { schedules: list }, text: renderList(items, columns) + next };
}

async function readSchedule({ env }: Context, path: string): Promise<Schedule> {
  const read = readCsv(new TextDecoder().decode(await env.files.read(path)), path);
  checkSchedule(read);
  return read;
}

function buildSchedule(flags: FlagValues, costs: CostRequest): Schedule {
  const devices = flags.devices!.length;
  const { microbatches = 2 * devices, stagesPerDevice, window } = flags;
  const name = flags.schedule ?? (flags.memory === undefined ? DEFAULT_NAME : "auto");
  if (name !== "auto") {
    const size = { devices, microbatches, ...(stagesPerDevice && { stagesPerDevice }), ...(window && { window }) };
    return scheduleByName(name, size);
  }
  const placement = loopedPlacement(devices, stagesPerDevice ?? 1);
  const capacity = flags.memory === undefined ? {} : { capacity: placement.slice(0, devices).map(() => flags.memory!) };
  const problem = { devices, microbatches, placement, costs: stageCosts(placement.length, costs), ...capacity };
  return searchSchedule(problem).schedule;
}

function stageCosts(stages: number, { sendMs, ...times }: CostRequest): ScheduleCosts {
  const transfers = Array.from({ length: sendMs > 0 ? stages - 1 : 0 }, (_, from) => ({
    from,
    to: from + 1,
    latencyMs: sendMs,
    forwardMs: 0,
    gradMs: 0,
  }));
  return { ...uniformCosts(stages, times), transfers };
}

function checkMemory({ name }: Schedule, { peakStash }: Timeline, memory: number | undefined): void {
  const device = peakStash.findIndex((peak) => memory !== undefined && peak > memory);
  if (device < 0) return;
  throw new PipewrightError(
    "PLAN_INFEASIBLE",
    `schedule ${name}: device ${device} keeps too many activations; got ${peakStash[device]}, expected at most ${memory}. Choose --schedule auto or give more memory.`,
    { device, peak: peakStash[device], memory },
  );
}

function describe(
  { columns, color }: Context,
  built: Schedule,
  costs: ScheduleCosts,
  timeline: Timeline,
  { memory, out }: FlagValues,
): Outcome {
  const { makespanMs, bubble, peakActivations, peakStash } = timeline;
  const capacity = memory === undefined ? undefined : built.rows.map(() => memory);
  const hasBound = (built.replicas ?? 1) === 1 && !built.pairs;
  const boundMs = hasBound ? Math.min(makespanMs, makespanBound(problemOf(built, costs, capacity))) : undefined;
  const gap = boundMs === undefined ? undefined : (makespanMs - boundMs) / makespanMs;
  const json = {
    schedule: {
      name: built.name,
      devices: built.devices,
      stages: built.stages,
      microbatches: built.microbatches,
      placement: built.placement,
      makespanMs,
      boundMs: boundMs ?? null,
      gap: gap ?? null,
      bubble,
      peakActivations,
      peakStash,
    },
    rows: built.rows.map((row) => row.map(formatAction)),
  };
  const grid = printSchedule(built, { costs });
  const fits = grid.split("\n").every((line, at) => at === 0 || line.length <= columns);
  const drawing = fits
    ? grid.slice(grid.indexOf("\n") + 1)
    : renderTimeline(timelineRows(built, timeline), columns, color);
  const bound = boundMs === undefined ? "no bound known" : `bound ${formatMs(boundMs)}, gap ${formatShare(gap!)}`;
  const lines = [
    `${built.name}: ${built.devices} devices, ${built.stages} stages, ${built.microbatches} microbatches`,
    "",
    drawing,
    `step         ${formatMs(makespanMs)}  (${bound})`,
    `bubble       ${formatShare(bubble)} of the step`,
    `activations  at most ${peakStash.join(", ")} per device`,
    ...(out === undefined ? [] : [`wrote        ${out}`]),
  ];
  return { json, text: `${lines.join("\n")}\n` };
}
