/** @file `schedule`: a schedule from integers or from costs, or one that is checked, with its bubble, bound and memory. */
import { PipewrightError } from "../../../compiler/errors.js";
import { checkSchedule } from "../../../compiler/schedule/check.js";
import { SCHEDULES } from "../../../compiler/schedule/registry.js";
import { simulate } from "../../../compiler/schedule/simulate.js";
import { scheduleSvg } from "../../../compiler/schedule/svg.js";
import { writeTorchCsv } from "../../../compiler/schedule/torch.js";
import { chromeTrace } from "../../../compiler/schedule/trace.js";
import type { CommandBody, Context, Outcome } from "../command.js";
import type { FlagValues } from "../flags.js";
import { renderList } from "../render/table.js";
import type { Simulated } from "../render/schedule.js";
import { drawing, figures, proofOf, scheduleJson, viewOf } from "../render/schedule.js";
import { checkFile } from "../schedule-check.js";
import { chooseSchedule, requestedTimes } from "../schedule-choice.js";

/** Lists the known schedules, or builds, searches or checks one. */
export const schedule: CommandBody = async (context, _, flags) => {
  if (!flags.devices && !flags.costs && flags.check === undefined) return listSchedules(context);
  const times = await requestedTimes(context.env, flags);
  if (flags.check !== undefined) return checkFile(context, flags, times);
  const { nowMs } = context.env.clock;
  const endMs = nowMs() + (flags.timeLimit ?? Infinity);
  const { schedule: built, costs, found } = chooseSchedule(flags, times, () => nowMs() > endMs);
  checkSchedule(built);
  const { memory } = flags;
  const simulated: Simulated = {
    schedule: built,
    costs,
    timeline: simulate(built, costs),
    ...(memory !== undefined && { memory }),
    ...(found && { found }),
  };
  refuseMemory(simulated);
  const written = await writeFiles(context, flags, simulated);
  const proof = proofOf(simulated);
  const view = viewOf(context, flags);
  const lines = [
    `${built.name}: ${built.devices} devices, ${built.stages} stages, ${built.microbatches} microbatches`,
    "",
    drawing(simulated, view),
    figures(simulated, proof, view).trimEnd(),
    ...written.map((path) => `wrote        ${path}`),
  ];
  return { json: { ...scheduleJson(simulated, proof), written }, text: `${lines.join("\n")}\n` };
};

function listSchedules({ columns }: Context): Outcome {
  const list = SCHEDULES.map(({ name, aliases, summary }) => ({ name, aliases, summary }));
  const items = list.map(({ name, aliases, summary }): [string, string] => [
    name,
    aliases.length > 0 ? `${summary} (also called ${aliases.join(", ")})` : summary,
  ]);
  const searching: readonly [string, string][] = [
    ["search", "the shortest order that a search finds, started from those above"],
    ["search-2x", "in plans: the same, with twice the memory"],
    ["auto", "the shortest step of all, searched or not"],
  ];
  const next = "\nnext: pipewright schedule --devices 4 --microbatches 8 --schedule 1f1b\n";
  return { json: { schedules: list }, text: renderList([...items, ...searching], columns) + next };
}

/** Paths of the files that were asked for. @throws SCHEDULE_INVALID with the reasons why PyTorch cannot run it; FILE. */
async function writeFiles({ env }: Context, flags: FlagValues, { schedule, timeline }: Simulated): Promise<string[]> {
  const form = flags.comms ? "compute_comms" : "compute_only";
  const files: readonly [string | undefined, () => string][] = [
    [flags.csv, () => writeTorchCsv(schedule, { form })],
    [flags.svg, () => scheduleSvg(schedule, timeline, { unit: flags.costs ? "ms" : "units" })],
    [flags.trace, () => chromeTrace(schedule, timeline)],
  ];
  const written: string[] = [];
  for (const [path, text] of files) {
    if (path === undefined) continue;
    await env.files.writeAtomic(path, text());
    written.push(path);
  }
  return written;
}

function refuseMemory({ schedule: { name }, timeline: { peakStash }, memory }: Simulated): void {
  const device = peakStash.findIndex((peak) => memory !== undefined && peak > memory * (1 + 1e-9));
  if (device < 0) return;
  throw new PipewrightError(
    "PLAN_INFEASIBLE",
    `schedule ${name}: device ${device} keeps too many activations; got ${peakStash[device]}, expected at most ${memory}. Choose --schedule auto or give more memory.`,
    { device, peak: peakStash[device], memory },
  );
}
