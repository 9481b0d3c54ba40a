/** @file What a plan that was read back names: every stage, slot, parameter and port must be there, and every wait must end. */
import { formatAction } from "../../compiler/schedule/action.js";
import { PipewrightError } from "../../compiler/errors.js";
import { areAlike } from "../../compiler/plan/offers.js";
import { planSchedule } from "../../compiler/plan/replay.js";
import { optimizerFault } from "../../compiler/optimizer/check.js";
import type { Plan, Port } from "../../compiler/plan/plan.js";
import { PHASE_OF } from "../../compiler/plan/runs.js";
import { checkSchedule } from "../../compiler/schedule/check.js";

/** The first thing of plan.json that names what is not there or can never run; undefined for a whole plan. */
export function brokenReference(plan: Plan): string | undefined {
  return brokenStages(plan) ?? brokenRows(plan) ?? brokenSlots(plan) ?? brokenPorts(plan);
}

function brokenStages(plan: Plan): string | undefined {
  const { stages, devices, rows, parameters, results, optimizer, microbatches } = plan;
  const isStage = (index: number): boolean => index < stages.length;
  const actions = rows.reduce((sum, row) => sum + row.length, 0);
  if (stages.length * microbatches > actions)
    return `plan.json has ${actions} actions for ${stages.length} stages and ${microbatches} microbatches`;
  if (rows.length !== devices.length) return `plan.json has ${rows.length} rows for ${devices.length} devices`;
  for (const [position, { index, device }] of stages.entries()) {
    if (index !== position || device >= devices.length)
      return `plan.json: stage ${position} is numbered ${index} or on no device`;
  }
  const strange = stages.find(
    ({ device, standIns = [] }) => !standIns.every((other) => mayStandIn(plan, device, other)),
  );
  if (strange) return `plan.json: stage ${strange.index} has a stand-in that cannot run its weight gradients`;
  const orphan = parameters.find((parameter) => !isStage(parameter.stage) || !parameter.readers.every(isStage));
  if (orphan) return `plan.json: parameter ${JSON.stringify(orphan.name)} is on no stage`;
  const fault = optimizerFault(optimizer);
  if (fault) return `plan.json: ${fault}`;
  const { groups = [] } = optimizer;
  const stray = parameters.find(({ group }) => group !== undefined && group >= groups.length);
  if (stray) return `plan.json: parameter ${JSON.stringify(stray.name)} is in no group of the optimizer`;
  const lost = results.find(({ stage }) => !isStage(stage));
  return lost && `plan.json: result ${JSON.stringify(lost.name)} is on no stage`;
}

/** Whether weight gradients of stages on a device may run on another. */
function mayStandIn({ devices, schedule }: Plan, device: number, other: number): boolean {
  const [own, its] = [devices[device]!, devices[other]];
  return schedule.copies === undefined && other !== device && its !== undefined && areAlike(own, its);
}

/** Rows that are no schedule, or whose waits never end. */
function brokenRows(plan: Plan): string | undefined {
  try {
    checkSchedule(planSchedule(plan));
  } catch (error) {
    if (!(error instanceof PipewrightError)) throw error;
    return `plan.json: ${error.message.split("\n")[0]!.replace(/\.$/, "")}`;
  }
  const { rows } = plan;
  const done = rows.map(() => 0);
  for (let hasMoved = true; hasMoved;) {
    hasMoved = false;
    for (const [device, row] of rows.entries()) {
      while (row[done[device]!]?.waits.every((wait) => (done[wait.device] ?? -1) >= wait.count)) {
        done[device]!++;
        hasMoved = true;
      }
    }
  }
  const stuck = rows.flatMap((row, device) => row.slice(done[device], done[device]! + 1))[0];
  return stuck && `plan.json: action ${formatAction(stuck)} waits for what never happens`;
}

function brokenSlots({ stages, slotGroups, microbatches }: Plan): string | undefined {
  const names = new Set<string>();
  for (const { stage, slots, slotOf, values } of slotGroups) {
    if (stage >= stages.length || slotOf.length !== microbatches || slotOf.some((slot) => slot >= slots))
      return `plan.json: the slots of stage ${stage} do not fit`;
    for (const { name } of values) {
      if (names.has(name)) return `plan.json: the value ${JSON.stringify(name)} has two groups of slots`;
      names.add(name);
    }
  }
  return undefined;
}

function brokenPorts({ stages, rows, inputs, results, parameters, slotGroups }: Plan): string | undefined {
  const adding = new Set(rows.flatMap((row) => row.flatMap(({ stage, adds }) => (adds ? [stage] : []))));
  const phases = new Set(rows.flatMap((row) => row.map(({ stage, phase }) => `${stage}${phase}`)));
  const known = {
    input: new Set(inputs.map(({ name }) => name)),
    result: new Set(results.map(({ name }) => `${name}/result`)),
    param: new Set(parameters.map(({ name }) => name)),
    accumulator: new Set(parameters.flatMap(({ name, trainable }) => (trainable ? [name] : []))),
    slot: new Set(slotGroups.flatMap(({ values }) => values.map(({ name }) => name))),
  };
  const nameOf = (port: Port): string => {
    if (port.at === "result" && port.result !== undefined) return `${port.result}/result`;
    return port.at === "param" || port.at === "accumulator" ? port.param : port.tensor;
  };
  for (const { index, programs } of stages) {
    for (const { kind, inputs: from, outputs: to } of programs) {
      if (kind === "add" ? !adding.has(index) : !phases.has(`${index}${PHASE_OF[kind]}`))
        return `plan.json: no row runs ${index}.${kind}`;
      const missing = [...from, ...to].find((port) => !known[port.at].has(nameOf(port)));
      if (missing)
        return `plan.json: ${index}.${kind} names the ${missing.at} ${JSON.stringify(nameOf(missing))}, which is nowhere`;
    }
  }
  return undefined;
}
