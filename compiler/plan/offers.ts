/**
 * @file Weight gradients that a device other than their own may run, and when: as soon as what they read is made and the
 * sums that they add to have everything that comes before.
 */
import type { DeviceSpec } from "../profile/profile.js";
import type { Phase } from "../schedule/action.js";
import type { Plan, PlanAction, PlanStage, Port, Wait } from "./plan.js";
import { actionKey, PHASE_OF } from "./runs.js";

/** Whether programs give the same bits on both devices, and tensors need not travel between them. */
export function areAlike(one: DeviceSpec, other: DeviceSpec): boolean {
  return one.kind === "cpu" && other.kind === "cpu" && (one.threads ?? 1) === (other.threads ?? 1);
}

/** One weight gradient, at its place in the row of its own device. */
export interface Offer {
  readonly device: number;
  readonly position: number;
  readonly action: PlanAction;
  readonly standIns: readonly number[];
  /** What must be done before, of any row: the action that makes something it reads, or adds to the same sum before it. */
  readonly needs: readonly Wait[];
}

type Planned = Pick<Plan, "stages" | "rows" | "microbatches">;

/**
 * All offers of a plan, row by row. Of a stage whose weight gradients read a running statistic none, because other
 * actions of the row change it.
 * Requires: one copy of the model.
 */
export function offersOf(plan: Planned): readonly Offer[] {
  if (plan.stages.every(({ standIns = [] }) => standIns.length === 0)) return [];
  const sums = new Map<string, Wait>();
  const needsOf = new Needs(plan);
  return plan.rows.flatMap((row, device) =>
    row.flatMap((action, position): Offer[] => {
      const { standIns = [] } = plan.stages[action.stage]!;
      const program = programOf(plan.stages[action.stage]!, action.phase);
      const added = (program?.outputs ?? []).flatMap((port) => (port.at === "accumulator" ? [port.param] : []));
      const before = added.flatMap((param) => sums.get(param) ?? []);
      for (const param of added) sums.set(param, { device, count: position + 1 });
      if (!program || action.phase !== "W" || standIns.length === 0 || !needsOf.areFixed(program.inputs)) return [];
      const needs = distinct([...before, ...needsOf.of(program.inputs, action.microbatch)]);
      return [{ device, position, action, standIns, needs }];
    }),
  );
}

/** The same plan, but every device runs its own row and nothing else. */
export function withoutStandIns(plan: Plan): Plan {
  return { ...plan, stages: plan.stages.map((stage) => ({ ...stage, standIns: [] })) };
}

/** Names of values that programs of other devices may read because of the plan's offers. */
export function offeredReads(plan: Planned, offers: readonly Offer[]): ReadonlySet<string> {
  const offered = new Set(offers.map(({ action }) => action.stage));
  const ports = [...offered].flatMap((stage) => programOf(plan.stages[stage]!, "W")!.inputs);
  return new Set(ports.flatMap((port) => (port.at === "slot" ? [port.tensor] : [])));
}

/** Which actions make what a program reads. */
class Needs {
  readonly #makers = new Map<string, { readonly stage: number; readonly phase: Phase }>();
  /** By `actionKey`. */
  readonly #places = new Map<number, Wait>();
  readonly #microbatches: number;
  /** Parameters that programs replace: running statistics. */
  readonly #replaced = new Set<string>();

  constructor({ stages, rows, microbatches }: Planned) {
    this.#microbatches = microbatches;
    for (const { index, programs } of stages)
      for (const { kind, outputs } of programs)
        for (const port of outputs) {
          if (port.at === "param") this.#replaced.add(port.param);
          if (port.at === "slot" && kind !== "add")
            this.#makers.set(port.tensor, { stage: index, phase: PHASE_OF[kind] });
        }
    for (const [device, row] of rows.entries())
      for (const [position, action] of row.entries())
        this.#places.set(actionKey(action, microbatches), { device, count: position + 1 });
  }

  areFixed(ports: readonly Port[]): boolean {
    return ports.every((port) => port.at !== "param" || !this.#replaced.has(port.param));
  }

  of(ports: readonly Port[], microbatch: number): readonly Wait[] {
    return ports.flatMap((port) => {
      const maker = port.at === "slot" && this.#makers.get(port.tensor);
      return maker ? [this.#places.get(actionKey({ ...maker, microbatch }, this.#microbatches))!] : [];
    });
  }
}

function programOf({ programs }: PlanStage, phase: Phase) {
  return programs.find(({ kind }) => kind !== "add" && PHASE_OF[kind] === phase);
}

function distinct(waits: readonly Wait[]): readonly Wait[] {
  return [...new Map(waits.map((wait) => [`${wait.device} ${wait.count}`, wait])).values()];
}
