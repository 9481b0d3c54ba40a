/** @file Rules about where tensors and results lie: V8 and V13. */
import { stagesPerReplica } from "./action.js";
import type { Fault } from "./fault.js";
import type { LoweredSchedule } from "./lower.js";
import { formatStep } from "./step.js";

/** V8: with fewer buffers than microbatches, microbatch m is received into buffer m mod slots once that was read. */
export function bufferFaults({ rows, receiveSlots, crossings }: LoweredSchedule): Fault[] {
  if (receiveSlots === undefined) return [];
  const faults: Fault[] = [];
  rows.forEach((row, device) => {
    const held = new Map<string, number>();
    row.forEach((step, position) => {
      if (step.kind === "receive") {
        const buffer = `${step.from}>${step.to}:${step.microbatch % receiveSlots}`;
        const old = held.get(buffer);
        if (old !== undefined)
          faults.push({
            invariant: "V8",
            wrong: `${formatStep(step)} overwrites a buffer; got microbatch ${old} unread in it expected it to be free`,
            advice: `Use more than ${receiveSlots} buffers or receive later`,
            device,
            position,
          });
        held.set(buffer, step.microbatch);
      }
      for (const { stage, phase, microbatch } of step.kind === "compute" ? step.actions : [])
        for (const { from, to } of crossings) {
          const source =
            phase === "F" && to === stage ? from : phase !== "F" && phase !== "W" && from === stage ? to : -1;
          const buffer = `${source}>${stage}:${microbatch % receiveSlots}`;
          if (held.get(buffer) === microbatch) held.delete(buffer);
        }
    });
  });
  return faults;
}

/** V13: an engine that pairs results with targets by arrival needs the last stage to take microbatches in order. */
export function resultFaults({ schedule, rows, results }: LoweredSchedule): Fault[] {
  if (results === "by microbatch") return [];
  const perReplica = stagesPerReplica(schedule);
  const faults: Fault[] = [];
  rows.forEach((row, device) => {
    let next = 0;
    row.forEach((step, position) => {
      for (const { stage, phase, microbatch } of step.kind === "compute" ? step.actions : []) {
        if (phase !== "F" || stage % perReplica !== perReplica - 1) continue;
        if (microbatch !== next)
          faults.push({
            invariant: "V13",
            wrong: `the last stage takes microbatches out of order; got ${microbatch} expected ${next}`,
            advice: "Run its forwards in the order of the microbatches",
            device,
            position,
          });
        next++;
      }
    });
  });
  return faults.slice(0, 1);
}

/** V8: where a stage gathers its parameters, it computes only between a gather and the release. */
export function shardFaults({ rows }: LoweredSchedule): Fault[] {
  const sharded = new Set(
    rows.flat().flatMap((step) => (step.kind === "gather" || step.kind === "release" ? [step.stage] : [])),
  );
  const faults: Fault[] = [];
  rows.forEach((row, device) => {
    const gathered = new Set<number>();
    row.forEach((step, position) => {
      if (step.kind === "gather") gathered.add(step.stage);
      if (step.kind === "release") gathered.delete(step.stage);
      for (const { stage } of step.kind === "compute" ? step.actions : [])
        if (sharded.has(stage) && !gathered.has(stage))
          faults.push({
            invariant: "V8",
            wrong: `${formatStep(step)} finds no parameters; got stage ${stage} released expected it gathered`,
            advice: "Gather before and release after use",
            device,
            position,
          });
    });
  });
  return faults;
}
