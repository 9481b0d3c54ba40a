/** @file One step as pictures need it: cells, what each waited for, the messages between devices, predicted or measured. */
import { predictedStepMs } from "../../compiler/plan/forecast.js";
import type { Plan, PlanAction } from "../../compiler/plan/plan.js";
import { planCosts, planSchedule } from "../../compiler/plan/replay.js";
import type { Phase } from "../../compiler/schedule/action.js";
import { simulate } from "../../compiler/schedule/simulate.js";
import type { TimedRow } from "../row-times.js";
import { ranActions } from "../row-times.js";
import type { RecordedRow } from "./run-record.js";

/** One action. Before it the device waited `waitMs` for another device's work and `handoverMs` for its message. */
export interface StepCell {
  readonly stage: number;
  readonly phase: Phase;
  readonly microbatch: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly waitMs: number;
  readonly handoverMs: number;
}

/** One device. Before `steadyMs` it runs forwards only, after `coolDownMs` none. */
export interface StepRow {
  readonly device: string;
  readonly cells: readonly StepCell[];
  readonly steadyMs: number;
  readonly coolDownMs: number;
  readonly updateEndMs: number;
}

/** A tensor's way from one row to another. */
export interface StepMessage {
  readonly fromRow: number;
  /** Start and end of the action that makes it. */
  readonly madeFromMs: number;
  readonly fromMs: number;
  readonly toRow: number;
  readonly toMs: number;
}

export interface StepView {
  readonly rows: readonly StepRow[];
  readonly messages: readonly StepMessage[];
  /** End of the last action. */
  readonly spanMs: number;
}

interface ViewedRow extends TimedRow {
  readonly updateEndMs: number;
}

/** What the simulator says of a step of the plan. */
export function predictedStep(plan: Plan): StepView {
  const { startMs, endMs } = simulate(planSchedule(plan), planCosts(plan));
  const updateEndMs = predictedStepMs(plan.schedule.forecast);
  return stepView(
    plan,
    startMs.map((start, device) => ({ startMs: start, endMs: endMs[device]!, updateEndMs })),
  );
}

/** What was measured of a step. Requires: the rows fit the plan. */
export function measuredStep(plan: Plan, rows: readonly RecordedRow[]): StepView {
  return stepView(plan, rows);
}

/** Where an action stands. */
interface Place {
  readonly row: number;
  readonly position: number;
}

function stepView(plan: Plan, times: readonly ViewedRow[]): StepView {
  const place = new Map<string, Place>();
  plan.rows.forEach((row, at) => row.forEach((action, position) => place.set(key(action), { row: at, position })));
  const sendersOf = senders(plan);
  const elsewhere = endsElsewhere(times);
  const messages: StepMessage[] = [];
  const rows = ranActions(plan, times).map((ran, device): StepRow => {
    let freeMs = 0;
    const cells = ran.map(({ action, startMs: start, endMs: end }): StepCell => {
      const own = place.get(key(action))!;
      let sentMs = own.row === device ? elsewhere[device]![own.position]! : start;
      for (const sender of sendersOf(action)) {
        const from = place.get(sender);
        if (!from || from.row === device) continue;
        const fromMs = times[from.row]!.endMs[from.position]!;
        const madeFromMs = times[from.row]!.startMs[from.position]!;
        messages.push({ fromRow: from.row, madeFromMs, fromMs, toRow: device, toMs: start });
        sentMs = Math.max(sentMs, fromMs);
      }
      const ready = Math.min(start, Math.max(freeMs, sentMs));
      const cell = { ...pick(action), startMs: start, endMs: end, waitMs: ready - Math.min(freeMs, ready) };
      const handoverMs = Math.max(0, start - ready);
      freeMs = end;
      return { ...cell, handoverMs };
    });
    return {
      device: plan.devices[device]!.name,
      cells,
      ...turns(cells),
      updateEndMs: times[device]!.updateEndMs,
    };
  });
  const spanMs = rows.reduce((last, { cells }) => Math.max(last, cells.at(-1)?.endMs ?? 0), 0);
  return { rows, messages, spanMs };
}

/** By row and place: the latest end of the actions before it that other devices ran, for which a device waits. */
function endsElsewhere(times: readonly ViewedRow[]): readonly Float64Array[] {
  const ends = times.map(({ endMs }) => new Float64Array(endMs.length + 1));
  for (const { device, position } of times.flatMap(({ stoodIn = [] }) => stoodIn))
    ends[device]![position + 1] = times[device]!.endMs[position]!;
  for (const row of ends) for (let at = 1; at < row.length; at++) row[at] = Math.max(row[at]!, row[at - 1]!);
  return ends;
}

function pick({ stage, phase, microbatch }: PlanAction): Pick<StepCell, "stage" | "phase" | "microbatch"> {
  return { stage, phase, microbatch };
}

function turns(cells: readonly StepCell[]): Pick<StepRow, "steadyMs" | "coolDownMs"> {
  const first = cells.find(({ phase }) => phase !== "F");
  const last = cells.findLast(({ phase }) => phase === "F");
  const endMs = cells.at(-1)?.endMs ?? 0;
  const steadyMs = first?.startMs ?? endMs;
  return { steadyMs, coolDownMs: Math.max(steadyMs, last?.endMs ?? 0) };
}

/** Actions whose tensors an action reads, by key; a backward pass is B, or its first half I. */
function senders(plan: Plan): (action: PlanAction) => readonly string[] {
  const { transfers = [] } = planCosts(plan);
  const forward = new Map<number, number[]>();
  const backward = new Map<number, number[]>();
  const add = (map: Map<number, number[]>, to: number, from: number): void => {
    map.set(to, [...(map.get(to) ?? []), from]);
  };
  for (const { from, to, forwardMs, gradMs } of transfers) {
    if (forwardMs > 0) add(forward, to, from);
    if (gradMs > 0) add(backward, from, to);
  }
  return ({ stage, phase, microbatch }) => {
    if (phase === "F") return (forward.get(stage) ?? []).map((from) => key({ stage: from, phase, microbatch }));
    if (phase === "W") return [];
    return (backward.get(stage) ?? []).flatMap((from) =>
      (["B", "I"] as const).map((sent) => key({ stage: from, phase: sent, microbatch })),
    );
  };
}

function key({ stage, phase, microbatch }: { stage: number; phase: Phase; microbatch: number }): string {
  return `${stage}${phase}${microbatch}`;
}

/** What a device did with the time of a step, in ms; the parts add up to the span. */
export interface TimeSplit {
  readonly forwardMs: number;
  readonly inputGradMs: number;
  readonly weightGradMs: number;
  readonly waitMs: number;
  readonly handoverMs: number;
  /** Done before the last device. */
  readonly restMs: number;
}

/** B counts as `inputGradMs`: its halves were not timed apart. */
export function timeSplit({ cells }: StepRow, spanMs: number): TimeSplit {
  const busy = (...phases: readonly Phase[]): number =>
    cells.filter(({ phase }) => phases.includes(phase)).reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  return {
    forwardMs: busy("F"),
    inputGradMs: busy("B", "I"),
    weightGradMs: busy("W"),
    waitMs: cells.reduce((sum, { waitMs }) => sum + waitMs, 0),
    handoverMs: cells.reduce((sum, { handoverMs }) => sum + handoverMs, 0),
    restMs: spanMs - (cells.at(-1)?.endMs ?? 0),
  };
}
