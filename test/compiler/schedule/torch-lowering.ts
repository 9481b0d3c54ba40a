/**
 * @file How PyTorch 2.13 spells out messages, for tests: round robin over the devices, and its option defer_pp_recv,
 * which moves every receive to just before its reader, except that a device with a lower number than its peer receives
 * all it can before it sends there.
 */
import type { Action, Schedule } from "../../../compiler/schedule/action.js";
import { formatAction } from "../../../compiler/schedule/action.js";
import { ActionIndex } from "../../../compiler/schedule/flat.js";
import type { LoweredSchedule } from "../../../compiler/schedule/lower.js";
import { lower } from "../../../compiler/schedule/lower.js";
import { dependencies } from "../../../compiler/schedule/order.js";
import type { Message, Step } from "../../../compiler/schedule/step.js";

export function lowerLikeTorch(schedule: Schedule, { defer }: { defer: boolean }): LoweredSchedule {
  const ours = lower(schedule);
  const rows = roundRobin(schedule);
  const ends = ours.rows.map((row) => row.filter(({ kind }) => kind === "reduce" || kind === "update"));
  const deferred = defer ? rows.map((row, d) => deferReceives(schedule, row, d)) : rows;
  return { ...ours, rows: deferred.map((row, d) => [...row, ...ends[d]!]), channels: "unbounded" };
}

function roundRobin(schedule: Schedule): Step[][] {
  const { placement, stages } = schedule;
  const index = new ActionIndex(schedule);
  const rows = schedule.rows.map((): Step[] => []);
  const known = schedule.rows.map(() => new Set<string>());
  const left = schedule.rows.map((row, d) => {
    const paired = new Set(schedule.pairs?.[d]);
    return row.flatMap((action, i) => (paired.has(i - 1) ? [] : [paired.has(i) ? [action, row[i + 1]!] : [action]]));
  });
  const isReady = (action: Action, d: number) =>
    dependencies(action, schedule, index.gradientPhase).every((need) => known[d]!.has(formatAction(need)));
  while (left.some((row) => row.length > 0)) {
    for (const [d, row] of left.entries()) {
      const actions = row[0];
      if (!actions?.every((action) => isReady(action, d))) continue;
      row.shift();
      rows[d]!.push({ kind: "compute", actions });
      for (const action of actions) {
        known[d]!.add(formatAction(action));
        const { stage, phase, microbatch } = action;
        const to = phase === "F" ? stage + 1 : stage - 1;
        if (phase === "W" || to < 0 || to === stages || placement[to] === d) continue;
        rows[d]!.push({ kind: "send", from: stage, to, microbatch });
        rows[placement[to]!]!.push({ kind: "receive", from: stage, to, microbatch });
        known[placement[to]!]!.add(formatAction(action));
      }
    }
  }
  return rows;
}

function deferReceives({ placement }: Schedule, row: readonly Step[], device: number): Step[] {
  const steps: Step[] = [];
  let waiting: Message[] = [];
  const receive = (isWanted: (message: Message) => boolean): void => {
    steps.push(...waiting.filter(isWanted));
    waiting = waiting.filter((message) => !isWanted(message));
  };
  for (const step of row) {
    if (step.kind === "receive") {
      waiting.push(step);
      continue;
    }
    if (step.kind === "send" && device < placement[step.to]!)
      receive(({ from }) => placement[from] === placement[step.to]);
    for (const { stage, phase, microbatch } of step.kind === "compute" ? step.actions : []) {
      const source = { F: stage - 1, B: stage + 1, I: stage + 1, W: -1 }[phase];
      receive((message) => message.from === source && message.to === stage && message.microbatch === microbatch);
    }
    steps.push(step);
  }
  return steps;
}
