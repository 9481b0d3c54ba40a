/** @file Schedules as plain data: which action each device runs, in which order. No times, no tensors. */

/** F: forward. B: whole backward. I: gradient to the inputs. W: gradient to the weights. B is I then W. */
export type Phase = "F" | "B" | "I" | "W";

/** One compute cell of the grid: "2F0" is stage 2, forward, microbatch 0. */
export interface Action {
  readonly stage: number;
  readonly phase: Phase;
  readonly microbatch: number;
}

/**
 * The actions of every device in order. Stage s runs on device `placement[s]`; stages are numbered along the data
 * flow. Ensured by check.ts: every stage runs F and either B or I and W of every microbatch exactly once, in an order
 * that no dependency contradicts.
 *
 * A bidirectional schedule holds the model `replicas` times (default 1). Each copy has its own stage entries: with
 * P = stages / replicas, stage r·P + i is part i of copy r. Microbatch m runs through copy `replicaOf[m]` only.
 */
export interface Schedule {
  readonly name: string;
  readonly devices: number;
  readonly stages: number;
  readonly microbatches: number;
  readonly placement: readonly number[];
  readonly rows: readonly (readonly Action[])[];
  /** Copies of the model; 1 if absent. */
  readonly replicas?: number;
  /** Copy that each microbatch runs through; present if and only if there are several. */
  readonly replicaOf?: readonly number[];
  /** Copy 0 adds up the gradients of all copies in the order of the microbatches, of which it runs the last one. */
  readonly sums?: "in order";
  /** Per device, positions of the row whose action and the next one run as one overlapped pair (PyTorch's OVERLAP_F_B). */
  readonly pairs?: readonly (readonly number[])[];
}

/** "2F0". */
export function formatAction({ stage, phase, microbatch }: Action): string {
  return `${stage}${phase}${microbatch}`;
}

/** Reads what `formatAction` writes: "2F0". Undefined for any other text. */
export function parseAction(text: string): Action | undefined {
  const match = /^(\d+)([FBIW])(\d+)$/.exec(text);
  if (!match) return undefined;
  return { stage: Number(match[1]), phase: match[2] as Phase, microbatch: Number(match[3]) };
}

/** Stages of one copy of the model. */
export function stagesPerReplica(schedule: { readonly stages: number; readonly replicas?: number }): number {
  return schedule.stages / (schedule.replicas ?? 1);
}

/** Copy of the model that microbatch m runs through. */
export function replicaOf(schedule: { readonly replicaOf?: readonly number[] }, microbatch: number): number {
  return schedule.replicaOf?.[microbatch] ?? 0;
}

/** By stage: are its backwards I and W? */
export function splitStages({
  stages,
  rows,
}: {
  readonly stages: number;
  readonly rows: readonly (readonly Pick<Action, "stage" | "phase">[])[];
}): boolean[] {
  const isSplit = new Array<boolean>(stages).fill(false);
  for (const row of rows) for (const { stage, phase } of row) if (phase === "I") isSplit[stage] = true;
  return isSplit;
}

/** By device: its stages, ascending. */
export function stagesOfDevices({
  devices,
  placement,
}: Pick<Schedule, "devices" | "placement">): readonly (readonly number[])[] {
  return Array.from({ length: devices }, (_, device) =>
    placement.flatMap((own, stage) => (own === device ? [stage] : [])),
  );
}
