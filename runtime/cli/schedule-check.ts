/** @file `schedule --check`: what a schedule file holds, how good it is, and what is wrong with it. */
import { EXIT_CODE } from "../../compiler/errors.js";
import type { Audit } from "../../compiler/schedule/audit.js";
import { auditCsv } from "../../compiler/schedule/audit.js";
import { neighbours } from "../../compiler/schedule/lower.js";
import { simulate } from "../../compiler/schedule/simulate.js";
import { readTextAtMost } from "../plain-file.js";
import type { TimesFile } from "../times-file.js";
import { costsFrom } from "../times-file.js";
import type { Context, Outcome } from "./command.js";
import type { FlagValues } from "./flags.js";
import { drawing, figures, proofOf, scheduleJson, viewOf } from "./render/schedule.js";

/** A schedule of 1,024 devices and as many microbatches has 20 MB. */
const CSV_LIMIT_BYTES = 32 * 2 ** 20;

/** Exit code 7 if a rule is broken. @throws SCHEDULE_INVALID for a cell that is no step, FILE. */
export async function checkFile(context: Context, flags: FlagValues, times: TimesFile): Promise<Outcome> {
  const path = flags.check!;
  const audit = auditCsv(await readTextAtMost(context.env.files, path, CSV_LIMIT_BYTES, "SCHEDULE_INVALID"), path);
  const { schedule, faults, refusals, isRunnable } = audit;
  const costs = costsFrom(times, schedule.stages, neighbours(schedule));
  const memory = flags.memory === undefined ? {} : { memory: flags.memory };
  const simulated = isRunnable ? { schedule, costs, timeline: simulate(schedule, costs), ...memory } : undefined;
  const proof = simulated && proofOf(simulated);
  const form = audit.lowered ? "compute_comms" : "compute_only";
  const json = {
    ...(simulated && scheduleJson(simulated, proof)),
    check: {
      file: path,
      form,
      dialect: audit.isOldDialect ? "2024" : "current",
      faults: faults.map(({ invariant, wrong, advice, device, position }) => {
        return { invariant, wrong, advice, device, position };
      }),
      refusals,
      leastSlots: audit.leastSlots ?? null,
    },
  };
  const view = viewOf(context, flags);
  const lines = [
    `${path}: ${form}, ${schedule.devices} devices, ${schedule.stages} stages, ${schedule.microbatches} microbatches`,
    ...(audit.isOldDialect ? ["in the words of 2024: B is read as I, BW as B"] : []),
    "",
    ...(simulated ? [drawing(simulated, view), figures(simulated, proof, view).trimEnd()] : []),
    ...channels(audit),
    ...verdict(audit),
  ];
  return { json, text: `${lines.join("\n")}\n`, exitCode: faults.length > 0 ? EXIT_CODE.SCHEDULE_INVALID : 0 };
}

function channels({ lowered, leastSlots, rendezvous }: Audit): string[] {
  if (!lowered) return ["messages     none in the file; the engine adds them"];
  if (!rendezvous) return ["messages     run to their end even if a send waits for its receive"];
  if (leastSlots === undefined) return ["messages     run into a deadlock with any kind of channel"];
  return [
    `messages     need ${leastSlots} message${leastSlots === 1 ? "" : "s"} under way per channel; if a send waits for its receive: ${rendezvous.wrong}`,
  ];
}

function verdict({ faults, refusals }: Audit): string[] {
  if (faults.length > 0)
    return [
      `rules        ${faults.length} broken`,
      ...faults.flatMap(({ invariant, wrong, advice, grid }) => ["", `${invariant}: ${wrong}. ${advice}.${grid}`]),
    ];
  return ["rules        all kept", ...refusals.map((reason) => `PyTorch      cannot run it: ${reason}`)];
}
