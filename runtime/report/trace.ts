/**
 * @file Steps as a Chrome trace file, which Perfetto and chrome://tracing open: predicted and measured as two
 * processes, an arrow per tensor that changes devices, a counter of microbatches in flight.
 * Source: "Trace Event Format": complete events (X), flows (s, f), counters (C), metadata (M); times in microseconds.
 */
import { visible } from "../../compiler/names.js";
import { tensorBytes } from "../../compiler/ir/literal.js";
import type { Plan } from "../../compiler/plan/plan.js";
import type { ReportDocument } from "./document.js";
import type { StepCell, StepView } from "./step-view.js";

/** Name of the file in a plan directory. */
export const TRACE_FILE = "trace.json";
const US_PER_MS = 1000;
/** An arrow belongs to the slice that holds its start, so it starts just before the slice ends. */
const INSIDE = 0.999;

/** One process of the trace. */
export interface TraceProcess {
  readonly name: string;
  readonly view: StepView;
  /** Bytes that a microbatch keeps between its passes, by stage. */
  readonly stashBytes: readonly number[];
}

/** The predicted step as a process. */
export function predictedProcess(plan: Plan, view: StepView): TraceProcess {
  return { name: "predicted", view, stashBytes: stashBytes(plan) };
}

/** Predicted and, if there was a run, measured. */
export function planTrace({ plan, predicted, measured }: ReportDocument): string {
  const processes = [predictedProcess(plan, predicted)];
  if (measured) processes.push({ name: "measured", view: measured, stashBytes: stashBytes(plan) });
  return chromeTrace(processes);
}

/** One track per device, one event per action. */
export function chromeTrace(processes: readonly TraceProcess[]): string {
  const traceEvents = processes.flatMap(({ name, view, stashBytes: bytes }, pid) => [
    { name: "process_name", ph: "M", pid, args: { name } },
    ...view.rows.flatMap((row, tid) => [
      { name: "thread_name", ph: "M", pid, tid, args: { name: row.device } },
      ...row.cells.map((cell) => cellEvent(cell, pid, tid)),
      ...counterEvents(row.device, cellsOf(view, tid), bytes, pid),
    ]),
    ...view.messages.flatMap(({ fromRow, madeFromMs, fromMs, toRow, toMs }, id) => [
      {
        name: "tensor",
        cat: "transfer",
        ph: "s",
        id: pid * view.messages.length + id,
        pid,
        tid: fromRow,
        ts: (madeFromMs + INSIDE * (fromMs - madeFromMs)) * US_PER_MS,
      },
      {
        name: "tensor",
        cat: "transfer",
        ph: "f",
        bp: "e",
        id: pid * view.messages.length + id,
        pid,
        tid: toRow,
        ts: toMs * US_PER_MS,
      },
    ]),
  ]);
  return `${visible(JSON.stringify({ traceEvents, displayTimeUnit: "ms" }))}\n`;
}

function cellEvent(
  { stage, phase, microbatch, startMs, endMs, waitMs, handoverMs }: StepCell,
  pid: number,
  tid: number,
) {
  return {
    name: `${phase}${microbatch}`,
    cat: phase,
    ph: "X",
    pid,
    tid,
    ts: startMs * US_PER_MS,
    dur: (endMs - startMs) * US_PER_MS,
    args: { stage, microbatch, waitMs, handoverMs },
  };
}

/** The actions of a device's own stages, wherever they ran. */
function cellsOf({ rows }: StepView, device: number): readonly StepCell[] {
  const own = new Set(rows[device]!.cells.flatMap(({ stage, phase }) => (phase === "F" ? [stage] : [])));
  return rows.flatMap((row) => row.cells.filter(({ stage }) => own.has(stage)));
}

/** Bytes kept for microbatches between F and the end of B, or of W where the backward pass is split. */
function counterEvents(device: string, cells: readonly StepCell[], bytes: readonly number[], pid: number) {
  const split = new Set(cells.filter(({ phase }) => phase === "W").map(({ stage }) => stage));
  const changes = cells.flatMap(({ stage, phase, startMs, endMs }) => {
    if (phase === "F") return [{ ms: startMs, by: bytes[stage]! }];
    return phase === (split.has(stage) ? "W" : "B") ? [{ ms: endMs, by: -bytes[stage]! }] : [];
  });
  let held = 0;
  const events = changes.sort((a, b) => a.ms - b.ms).map(({ ms, by }) => ({ ms, held: (held += by) }));
  return events.map(({ ms, held: kept }) => ({
    name: `${device} kept bytes`,
    ph: "C",
    pid,
    ts: ms * US_PER_MS,
    args: { bytes: kept },
  }));
}

/** Bytes of the slots of one microbatch, by stage. */
function stashBytes({ stages, slotGroups }: Plan): readonly number[] {
  const bytes = stages.map(() => 0);
  for (const { stage, values } of slotGroups)
    for (const { shape, dtype } of values) bytes[stage]! += tensorBytes({ dtype, shape });
  return bytes;
}
