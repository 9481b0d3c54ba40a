/** @file All that can be said of a schedule file of PyTorch's: what breaks a rule, and what its engine cannot do. */
import { scheduleFault } from "./check.js";
import type { CsvFile } from "./csv.js";
import { readEitherCsv } from "./csv.js";
import type { Fault } from "./fault.js";
import { faultGrid } from "./fault.js";
import { formatAction } from "./action.js";
import { formatStep } from "./step.js";
import { torchRefusals } from "./torch.js";
import { loweredFaults } from "./verify.js";
import { channelFault, leastSlots } from "./verify-channels.js";

/** A broken rule, with its place in the file drawn. */
export interface DrawnFault extends Fault {
  /** Rows of cells around the bad one, with an arrow; empty if no cell is to blame. */
  readonly grid: string;
}

/** What is wrong with a file. */
export interface Audit extends CsvFile {
  readonly faults: readonly DrawnFault[];
  /** Why PyTorch cannot run it, although no rule is broken. */
  readonly refusals: readonly string[];
  /** Fewest messages that a channel must hold, for files with messages; undefined where no number helps. */
  readonly leastSlots?: number | undefined;
  /** The deadlock of channels that hold no message, if there is one. */
  readonly rendezvous?: Fault;
  /** Do the actions keep their order, so that times can be told? */
  readonly isRunnable: boolean;
}

/** Reads a file of either form and checks it. @throws SCHEDULE_INVALID for a cell that is no step. */
export function auditCsv(text: string, name: string): Audit {
  const file = readEitherCsv(text, name);
  const { schedule, lowered } = file;
  const broken = scheduleFault(schedule);
  const cells = lowered
    ? lowered.rows.map((row) => row.map(formatStep))
    : schedule.rows.map((row) => row.map(formatAction));
  const found = lowered ? loweredFaults(lowered) : broken ? [broken] : [];
  const faults = found.map((fault) => ({ ...fault, grid: faultGrid(cells, fault) }));
  const refusals = broken ? [] : torchRefusals(schedule);
  const audit = { ...file, faults, refusals, isRunnable: broken === undefined };
  if (!lowered || found.some(({ invariant }) => invariant === "V5" || invariant === "V3")) return audit;
  const rendezvous = channelFault(lowered, "rendezvous");
  return { ...audit, leastSlots: leastSlots(lowered), ...(rendezvous && { rendezvous }) };
}
