/** @file Whether a checkpoint may be continued by a plan, and what will not be as it was. */
import { PipewrightError } from "../../compiler/errors.js";
import { stateCount } from "../../compiler/optimizer/update.js";
import type { Plan } from "../../compiler/plan/plan.js";
import type { TensorType } from "../../compiler/ir/graph.js";
import { fingerprintChanges } from "./fingerprint.js";
import type { Belonging } from "./manifest.js";
import type { Checkpoint } from "./store.js";

/**
 * Compares a checkpoint with the run that wants to continue it. Stages, devices and schedule may differ: the bits stay.
 * @returns what changes the bits from here on, in sentences for the user.
 * @throws ARTEFACT_MISMATCH when it belongs to another model, loss, batch or optimizer.
 */
export function checkFit({ path, manifest, state }: Checkpoint, plan: Plan, now: Belonging): readonly string[] {
  const same = (what: string, got: unknown, expected: unknown): void => {
    if (canonical(got) !== canonical(expected)) throw misfit(path, what, canonical(got), canonical(expected));
  };
  same("model", manifest.model.digest, now.model.digest);
  same("loss, dimensions or what trains", manifest.training, now.training);
  same("number of microbatches", manifest.microbatches, now.microbatches);
  same("inputs", manifest.inputs, now.inputs);
  same("optimizer", manifest.optimizer.kind, now.optimizer.kind);
  const trained = plan.parameters.filter(({ trainable }) => trainable);
  same("parameters", typesOf(state.parameters), typesOf(new Map(plan.parameters.map((spec) => [spec.name, spec]))));
  for (let index = 0; index < stateCount(plan.optimizer); index++) {
    const wanted = typesOf(new Map(trained.map((spec) => [spec.name, spec])));
    same(`optimizer state ${index}`, typesOf(state.optimizerStates[index] ?? new Map()), wanted);
  }
  const notices: string[] = [];
  for (const change of fingerprintChanges(manifest.fingerprint, now.fingerprint))
    notices.push(`The last bits may differ from a run in one go: ${change}.`);
  if (canonical(manifest.optimizer) !== canonical(now.optimizer))
    notices.push(`The optimizer was ${canonical(manifest.optimizer)}, is ${canonical(now.optimizer)}.`);
  if (manifest.data && now.data && canonical(manifest.data) !== canonical(now.data))
    notices.push(`The data were ${canonical(manifest.data)}, are ${canonical(now.data)}.`);
  return notices;
}

/** Names with types, in the order of names. */
function typesOf(tensors: ReadonlyMap<string, TensorType>): readonly string[] {
  return [...tensors].map(([name, { dtype, shape }]) => `${name}:${dtype}[${shape.join(",")}]`).sort();
}

/** JSON with sorted keys: equal texts for equal values. */
function canonical(value: unknown): string {
  const sorted = (_: string, part: unknown): unknown =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part;
  return JSON.stringify(value, sorted);
}

const SHOWN_CHARACTERS = 120;

function misfit(path: string, what: string, got: string, expected: string): PipewrightError {
  const short = (text: string): string =>
    text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
  return new PipewrightError(
    "ARTEFACT_MISMATCH",
    `${path}: the checkpoint is of another run (${what}); got ${short(got)}, expected ${short(expected)}. Resume it with the model and options that it was made with, or train into another --checkpoint-dir.`,
    { path, what },
  );
}
