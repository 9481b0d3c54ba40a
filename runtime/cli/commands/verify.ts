/** @file `verify`: a plan against one device, bit for bit: losses, gradients, and the weights after one step. */
import { plainName } from "../../../compiler/names.js";
import { EXIT_CODE, PipewrightError } from "../../../compiler/errors.js";
import type { ModelLimits } from "../../../compiler/onnx/limits.js";
import type { Dataset } from "../../dataset/dataset.js";
import { openDataset } from "../../dataset/open.js";
import type { Env } from "../../env/env.js";
import { readPlan } from "../../plan/directory.js";
import { referencePlan } from "../../reference-plan.js";
import { stepBatch } from "../../train.js";
import type { PlanAt, Verification } from "../../verify.js";
import { verifyPlans } from "../../verify.js";
import type { CommandBody } from "../command.js";
import { limitsOf } from "../read-model.js";
import { verifyJson } from "../plan-json.js";
import { significant } from "../../report/format.js";
import { planPrecision, precisionNotes } from "../render/precision.js";
import { renderTable } from "../render/table.js";

const SHOWN = 10;

/** Exit code 11 when anything differs. */
export const verify: CommandBody = async ({ env, columns, progress: phases }, directory, flags) => {
  const limits = limitsOf(flags);
  const plan = await readPlan(env, directory, limits);
  const { microbatches } = plan;
  const options = { files: env.files, seed: flags.seed ?? 0, shuffle: false, microbatches };
  const dataset = await openDataset(flags.data ?? "synthetic", plan.inputs, options);
  const progress = phases(["verify"]);
  for (const note of precisionNotes(planPrecision(plan))) progress.note(note);
  progress.begin("verify");
  const result = await verifyOnOneDevice(env, { directory, plan }, dataset, limits);
  progress.end(verificationLine(result));
  const unequal = result.tensors.filter(({ isEqual }) => !isEqual);
  const rows = unequal.slice(0, SHOWN).map(({ name, relativeError }) => [name, significant(relativeError)]);
  const table = renderTable(
    [
      { title: "tensor", flexible: true },
      { title: "relative error", align: "right" },
    ],
    rows,
    columns,
  );
  const next = result.equal ? `next: pipewright train ${directory} --data synthetic --steps 10\n` : `\n${table}`;
  const text = `${verificationLine(result)}\n${next}`;
  const exitCode = result.equal ? 0 : EXIT_CODE.VERIFY_MISMATCH;
  return { json: verifyJson(result, plan), text, exitCode };
};

/** Runs one batch through the plan and through the same model on one device. */
export async function verifyOnOneDevice(
  env: Env,
  subject: PlanAt,
  dataset: Dataset,
  limits?: ModelLimits,
): Promise<Verification> {
  const temporary = await env.files.temporaryDirectory();
  try {
    const reference = await referencePlan(env, subject, `${temporary}/reference`, limits);
    return await verifyPlans(env, subject, reference, await stepBatch(subject.plan, dataset, 0));
  } finally {
    await env.files.remove(temporary);
  }
}

/** @throws VERIFY_MISMATCH when anything differs. */
export function refuseMismatch(subject: string, verification: Verification): void {
  if (verification.equal) return;
  const names = verification.tensors.filter(({ isEqual }) => !isEqual).map(({ name }) => name);
  const shown = names.slice(0, SHOWN).map(plainName).join(", ");
  throw new PipewrightError(
    "VERIFY_MISMATCH",
    `${subject}: ${verificationLine(verification)}; got other bits for ${shown}, expected the same. Report it with the model.`,
    { maxRelativeError: verification.maxRelativeError, unequal: names },
  );
}

/** One sentence. */
export function verificationLine({ equal, maxRelativeError, tensors }: Verification): string {
  if (equal) return `${tensors.length} tensors equal to one device, bit for bit`;
  const count = tensors.filter(({ isEqual }) => !isEqual).length;
  return `${count} of ${tensors.length} tensors differ from one device, by at most ${significant(maxRelativeError)}`;
}
