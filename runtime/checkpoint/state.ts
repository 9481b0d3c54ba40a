/** @file All that a run must remember between two steps, and its form as files. Nothing of it depends on stages. */
import { invariant, PipewrightError } from "../../compiler/errors.js";
import type { Plan } from "../../compiler/plan/plan.js";
import type { StoredTensor, Tensors } from "../../compiler/plan/safetensors.js";
import { readSafetensors, writeSafetensors } from "../../compiler/plan/safetensors.js";

/** A run after `step` steps. */
export interface TrainingState {
  readonly step: number;
  /** Mean loss of every step so far. */
  readonly losses: readonly number[];
  /** By name: trained parameters, frozen ones and running statistics. */
  readonly parameters: Tensors;
  /** Optimizer states of the trained parameters: one map per state, by parameter name. */
  readonly optimizerStates: readonly Tensors[];
}

/** A file of a checkpoint. */
export interface StateFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Files are cut at this size, unless one tensor is larger. */
const PART_BYTES = 2 ** 28;

/** Names that a checkpoint's files may have. */
export const STATE_FILE = /^(history|(parameters|state[01])-\d{1,6})\.safetensors$/;

const HISTORY = "history.safetensors";

/** The state as files. They are copies: the run may go on while they are written. */
export function stateFiles({ losses, parameters, optimizerStates }: TrainingState): readonly StateFile[] {
  const values = Float64Array.from(losses);
  const history: StoredTensor = { dtype: "float64", shape: [values.length], bytes: new Uint8Array(values.buffer) };
  return [
    { name: HISTORY, bytes: writeSafetensors(new Map([["losses", history]])) },
    ...parts("parameters", parameters),
    ...optimizerStates.flatMap((tensors, index) => parts(`state${index}`, tensors)),
  ];
}

/**
 * The state from its files. `subject` names the checkpoint in errors.
 * @throws ARTEFACT_MISMATCH when a file is malformed, one is missing, or a tensor comes twice.
 */
export function stateOf(files: readonly StateFile[], step: number, subject: string): TrainingState {
  const collect = (prefix: string): Tensors => {
    const tensors = new Map<string, StoredTensor>();
    for (const { name, bytes } of files.filter(({ name: file }) => file.startsWith(`${prefix}-`))) {
      for (const [tensor, stored] of readSafetensors(bytes, `${subject}/${name}`)) {
        if (tensors.has(tensor)) throw malformed(subject, `tensor ${JSON.stringify(tensor)} comes twice`);
        tensors.set(tensor, stored);
      }
    }
    return tensors;
  };
  const history = files.find(({ name }) => name === HISTORY);
  const losses = history && readSafetensors(history.bytes, `${subject}/${HISTORY}`).get("losses");
  if (losses?.dtype !== "float64" || losses.shape[0] !== step)
    throw malformed(subject, `${HISTORY} does not hold the losses of ${step} steps`);
  const states = ["state0", "state1"].filter((prefix) => files.some(({ name }) => name.startsWith(`${prefix}-`)));
  return {
    step,
    losses: [...new Float64Array(losses.bytes.slice().buffer)],
    parameters: collect("parameters"),
    optimizerStates: states.map(collect),
  };
}

/** What gives views of parameters and optimizer states, and takes them back. */
export interface StateHolder {
  readonly plan: Plan;
  parameter(name: string): Uint8Array;
  optimizerStates(name: string): readonly Uint8Array[];
  writeParameter(name: string, bytes: Uint8Array): void;
}

/** The state of a run between two steps: views, so it must be made into files before the next step. */
export function captureState(holder: StateHolder, losses: readonly number[]): TrainingState {
  const { parameters } = holder.plan;
  const trained = parameters.filter(({ trainable }) => trainable);
  const states = trained[0] ? holder.optimizerStates(trained[0].name).length : 0;
  return {
    step: losses.length,
    losses,
    parameters: new Map(
      parameters.map(({ name, dtype, shape }) => [name, { dtype, shape, bytes: holder.parameter(name) }]),
    ),
    optimizerStates: Array.from(
      { length: states },
      (_, index) =>
        new Map(
          trained.map(({ name, dtype, shape }) => [
            name,
            { dtype, shape, bytes: holder.optimizerStates(name)[index]! },
          ]),
        ),
    ),
  };
}

/** Puts a state in place. Requires: it fits the plan (see fit.ts); no step runs. */
export function restoreState(holder: StateHolder, { parameters, optimizerStates }: TrainingState): void {
  for (const { name } of holder.plan.parameters) {
    for (const [index, view] of holder.optimizerStates(name).entries()) {
      const stored = optimizerStates[index]?.get(name);
      invariant(stored, `the checkpoint has no optimizer state ${index} of ${name}`);
      view.set(stored.bytes);
    }
    holder.writeParameter(name, parameters.get(name)!.bytes);
  }
}

/** Cuts tensors into files, in the order of their names. */
function parts(prefix: string, tensors: Tensors): readonly StateFile[] {
  const groups: Map<string, StoredTensor>[] = [];
  let room = 0;
  for (const [name, tensor] of [...tensors].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (groups.length === 0 || tensor.bytes.length > room) {
      groups.push(new Map());
      room = PART_BYTES;
    }
    groups.at(-1)!.set(name, tensor);
    room -= tensor.bytes.length;
  }
  return groups.map((group, index) => ({ name: `${prefix}-${index}.safetensors`, bytes: writeSafetensors(group) }));
}

function malformed(subject: string, what: string): PipewrightError {
  return new PipewrightError("ARTEFACT_MISMATCH", `${subject}: ${what}. Resume from an older checkpoint.`);
}
