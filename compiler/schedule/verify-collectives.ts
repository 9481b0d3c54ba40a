/** @file Rules about the end of a batch: V10, V11, V12 and V15. */
import type { Fault, Invariant } from "./fault.js";
import type { LoweredSchedule } from "./lower.js";

/** All broken rules of V10, V11, V12 and V15. */
export function collectiveFaults(lowered: LoweredSchedule): Fault[] {
  return [...reduceFaults(lowered), ...tiedFaults(lowered), ...orderFaults(lowered), ...updateFaults(lowered)];
}

const fault = (invariant: Invariant, wrong: string, advice: string, device: number, position?: number): Fault => {
  return { invariant, wrong, advice, device, ...(position !== undefined && { position }) };
};

/** V10: one reduce per stage, after its last W or B. */
function reduceFaults({ rows, schedule }: LoweredSchedule): Fault[] {
  const reducedAt = schedule.placement.map((): number[] => []);
  const lastGradient = schedule.placement.map(() => -1);
  const faults: Fault[] = [];
  rows.forEach((row, device) =>
    row.forEach((step, position) => {
      if (step.kind === "reduce") {
        if (schedule.placement[step.stage] !== device)
          faults.push(
            fault(
              "V10",
              `stage ${step.stage} is reduced on the wrong device; got ${device} expected ${schedule.placement[step.stage]}`,
              "Move it",
              device,
              position,
            ),
          );
        else reducedAt[step.stage]!.push(position);
      }
      for (const { stage, phase } of step.kind === "compute" ? step.actions : [])
        if (phase === "B" || phase === "W") lastGradient[stage] = position;
    }),
  );
  reducedAt.forEach((positions, stage) => {
    const device = schedule.placement[stage]!;
    if (positions.length !== 1)
      faults.push(
        fault(
          "V10",
          `stage ${stage} is not reduced once; got ${positions.length} times expected 1`,
          "Reduce it after its last W or B",
          device,
          positions[1] ?? lastGradient[stage],
        ),
      );
    else if (positions[0]! < lastGradient[stage]!)
      faults.push(
        fault(
          "V10",
          `stage ${stage} is reduced too early; got position ${positions[0]} expected more than ${lastGradient[stage]}`,
          "Reduce it after its last W or B",
          device,
          positions[0],
        ),
      );
  });
  return faults;
}

/** V11: every device with a stage of a tied group reduces the group once, after the stages themselves. */
function tiedFaults({ rows, schedule, tied }: LoweredSchedule): Fault[] {
  const faults: Fault[] = [];
  rows.forEach((row, device) => {
    const counts = new Array<number>(tied.length).fill(0);
    const reduced = new Set<number>();
    row.forEach((step, position) => {
      if (step.kind === "reduce") reduced.add(step.stage);
      if (step.kind !== "tied-reduce") return;
      const stages = tied[step.group]?.filter((stage) => schedule.placement[stage] === device) ?? [];
      const early = stages.find((stage) => !reduced.has(stage));
      if (early !== undefined)
        faults.push(
          fault(
            "V11",
            `tied group ${step.group} is reduced too early; got stage ${early} unreduced expected all its stages before`,
            "Reduce the stages first",
            device,
            position,
          ),
        );
      counts[step.group] = (counts[step.group] ?? 0) + 1;
    });
    counts.forEach((count, group) => {
      const member = tied[group]?.some((stage) => schedule.placement[stage] === device) ?? false;
      if (count !== (member ? 1 : 0))
        faults.push(
          fault(
            "V11",
            `device ${device} does not do its part of tied group ${group}; got ${count} reduces expected ${member ? 1 : 0}`,
            "Reduce each group once on each of its devices",
            device,
            Math.max(
              0,
              row.findLastIndex((step) => step.kind === "tied-reduce" || step.kind === "reduce"),
            ),
          ),
        );
    });
  });
  return faults;
}

/** V12: two devices meet in several collectives in one order only. */
function orderFaults({ rows }: LoweredSchedule): Fault[] {
  const groups = rows.map((row) => row.flatMap((step) => (step.kind === "tied-reduce" ? [step.group] : [])));
  for (let a = 0; a < groups.length; a++)
    for (let b = a + 1; b < groups.length; b++) {
      const [first, second] = [
        groups[a]!.filter((g) => groups[b]!.includes(g)),
        groups[b]!.filter((g) => groups[a]!.includes(g)),
      ];
      const k = first.findIndex((group, i) => group !== second[i]);
      if (k >= 0)
        return [
          fault(
            "V12",
            `devices ${a} and ${b} reduce tied groups in different orders; got ${second.join(", ")} expected ${first.join(", ")}`,
            "Use one order",
            b,
            rows[b]!.findIndex((step) => step.kind === "tied-reduce" && step.group === second[k]),
          ),
        ];
    }
  return [];
}

/** V15: one update per device, as its last step. */
function updateFaults({ rows }: LoweredSchedule): Fault[] {
  return rows.flatMap((row, device) => {
    const positions = row.flatMap((step, position) => (step.kind === "update" ? [position] : []));
    if (positions.length === 1 && positions[0] === row.length - 1) return [];
    const at = positions.find((position) => position !== row.length - 1);
    return [
      fault(
        "V15",
        `device ${device} does not end with its update; got updates at ${positions.join(", ") || "none"} expected one at ${row.length - 1}`,
        "Update once, last",
        device,
        at ?? row.length - 1,
      ),
    ];
  });
}
