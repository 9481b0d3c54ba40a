/** @file run.json: what a training run leaves beside its plan, so that reports and comparisons can show it later. */
import * as z from "zod";
import type { Plan } from "../../compiler/plan/plan.js";
import type { Env } from "../env/env.js";
import type { HostFacts } from "../env/host.js";
import type { RowTimes, StoodIn } from "../row-times.js";
import { besideFault, readBeside, sealedJson } from "../artefact.js";
import { planDigest } from "../plan/directory.js";

/** Name of the file in a plan directory. */
const RUN_FILE = "run.json";
/** Digits kept of a time in ms: nanoseconds. */
const DECIMALS = 6;

const count = z.int().min(0);
const ms = z.number().min(0);
const schema = z.strictObject({
  version: z.literal(1),
  plan: z.string(),
  losses: z.array(z.number()),
  stepMs: z.array(ms),
  shown: z.strictObject({
    rows: z.array(
      z.strictObject({
        startMs: z.array(ms),
        endMs: z.array(ms),
        stoodIn: z.array(z.strictObject({ device: count, position: count })).optional(),
        updateEndMs: ms,
      }),
    ),
  }),
  host: z.strictObject({
    node: z.string(),
    platform: z.string(),
    architecture: z.string(),
    cpu: z.string(),
    cores: count,
    memoryBytes: count,
  }),
  versions: z.strictObject({ pipewright: z.string(), engine: z.string() }),
});

/** One device's row of the step that is shown: ms since the first start of the step. */
export interface RecordedRow {
  readonly startMs: readonly number[];
  readonly endMs: readonly number[];
  /** What the device ran of other rows. Left out: nothing. */
  readonly stoodIn?: readonly Pick<StoodIn, "device" | "position">[] | undefined;
  /** End of the optimizer update. */
  readonly updateEndMs: number;
}

export interface RunRecord {
  readonly version: 1;
  /** As `planDigest` gives it. */
  readonly plan: string;
  /** Mean loss of every step, before its update. */
  readonly losses: readonly number[];
  /** Wall time of every step. */
  readonly stepMs: readonly number[];
  /** The step of median time. */
  readonly shown: { readonly rows: readonly RecordedRow[] };
  readonly host: HostFacts;
  readonly versions: { readonly pipewright: string; readonly engine: string };
}

/** What a record is made from. */
export type RecordedRun = Pick<RunRecord, "losses" | "stepMs" | "host" | "versions"> & {
  readonly rows: readonly RowTimes[];
};

/** Times of a step, from its first start on. */
function recordedRows(rows: readonly RowTimes[]): readonly RecordedRow[] {
  const first = rows.reduce((least, { startMs }) => Math.min(least, startMs[0] ?? Infinity), Infinity);
  const since = (at: number): number => Number(Math.max(0, at - first).toFixed(DECIMALS));
  return rows.map(({ startMs, endMs, stoodIn, updateEndMs }) => ({
    startMs: Array.from(startMs, since),
    endMs: Array.from(endMs, since),
    ...(stoodIn.length > 0 ? { stoodIn: stoodIn.map(({ device, position }) => ({ device, position })) } : {}),
    updateEndMs: since(updateEndMs),
  }));
}

/** Writes run.json into the plan's directory. @throws FILE. */
export async function writeRun(env: Env, directory: string, { rows, ...run }: RecordedRun): Promise<RunRecord> {
  const plan = await planDigest(env, directory);
  const record: RunRecord = { version: 1, plan, ...run, shown: { rows: recordedRows(rows) } };
  await env.files.writeAtomic(`${directory}/${RUN_FILE}`, sealedJson(record));
  return record;
}

/**
 * The last run of a plan; undefined if there was none.
 * @throws FILE, ARTEFACT_MISMATCH when the record is broken or is of another plan.
 */
export async function readRun(env: Env, directory: string, plan: Plan): Promise<RunRecord | undefined> {
  if (!(await env.files.exists(`${directory}/${RUN_FILE}`))) return undefined;
  const mismatch = (what: string): Error => besideFault(directory, RUN_FILE, what);
  const record: RunRecord = await readBeside(env.files, directory, RUN_FILE, schema);
  if (record.plan !== (await planDigest(env, directory))) throw mismatch("it is of another plan");
  const { rows } = record.shown;
  const fits =
    rows.length === plan.rows.length &&
    rows.every(
      ({ startMs, endMs, stoodIn = [] }, at) =>
        [startMs, endMs].every((times) => times.length === plan.rows[at]!.length) &&
        stoodIn.every(({ device, position }) => device !== at && position < (plan.rows[device]?.length ?? 0)),
    );
  if (!fits) throw mismatch("its times do not fit the rows of the plan");
  return record;
}
