/** @file The plan directory: written at once or not at all, and checked whole when it is read back. */
import { createHash } from "node:crypto";
import type { ZodError } from "zod";
import { PipewrightError } from "../../compiler/errors.js";
import type { BlockMap } from "../../compiler/plan/block-map.js";
import type { Plan } from "../../compiler/plan/plan.js";
import type { Tensors } from "../../compiler/plan/safetensors.js";
import { writeSafetensors } from "../../compiler/plan/safetensors.js";
import type { Content, Env } from "../env/env.js";
import { brokenReference } from "./references.js";
import { planSchema } from "./schema.js";
import type { StartValues } from "./start-values.js";
import { readStartValues, weightsFile, withFills } from "./start-values.js";

/** Names of the files of a plan directory besides `stages/`. */
export const PLAN_FILES = {
  plan: "plan.json",
  schedule: "schedule.csv",
  weights: "weights.safetensors",
  model: "model.onnx",
  blocks: "blocks.json",
  external: "external.safetensors",
} as const;

/** Everything that a plan directory holds, before digests. */
export interface PlanContents {
  readonly plan: Omit<Plan, "files">;
  /** Stage graphs, by relative path. */
  readonly programs: ReadonlyMap<string, Uint8Array>;
  /** Rows in PyTorch's compute-only form. */
  readonly csv: string;
  /** Every parameter's start value. */
  readonly weights: StartValues;
  /** What the model's files of external data hold besides parameters, as `readRemains` gives it. */
  readonly external?: Tensors;
  /** The imported file, byte for byte: what the trained model is written back into. */
  readonly model: Uint8Array;
  /** What stands behind the stages, for reports; plans of graphs without blocks have none. */
  readonly blocks?: BlockMap;
}

/** sha256 in hex. */
export function digestOf(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * Writes a plan directory in one step and returns the plan with its digests.
 * Ensures: on failure `path` is as it was. @throws FILE.
 */
export async function writePlan(env: Env, path: string, contents: PlanContents): Promise<Plan> {
  const files = new Map<string, Content>(contents.programs);
  files.set(PLAN_FILES.schedule, contents.csv);
  files.set(PLAN_FILES.weights, weightsFile(contents.weights));
  files.set(PLAN_FILES.model, contents.model);
  if (contents.blocks) files.set(PLAN_FILES.blocks, `${JSON.stringify(contents.blocks)}\n`);
  if (contents.external) files.set(PLAN_FILES.external, writeSafetensors(contents.external));
  let plan: Plan | undefined;
  await env.files.writeDirectoryAtomic(path, async (temporary) => {
    await env.files.makeDirectory(`${temporary}/stages`);
    const digests: [string, string][] = [];
    for (const [name, content] of files) {
      const { digest, passed } = digesting(content);
      await env.files.writeAtomic(`${temporary}/${name}`, passed);
      digests.push([name, digest()]);
    }
    digests.sort(([a], [b]) => (a < b ? -1 : 1));
    const parameters = withFills(contents.plan.parameters, contents.weights);
    plan = { ...contents.plan, parameters, files: Object.fromEntries(digests) };
    await env.files.writeAtomic(`${temporary}/${PLAN_FILES.plan}`, `${JSON.stringify(plan, undefined, 1)}\n`);
  });
  return plan!;
}

/** The content as it is written, and its sha256 once it is. */
function digesting(content: Content): { readonly passed: Content; readonly digest: () => string } {
  if (typeof content === "string" || content instanceof Uint8Array)
    return { passed: content, digest: () => digestOf(content) };
  const hash = createHash("sha256");
  async function* passed(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const part of parts) {
      hash.update(part);
      yield part;
    }
  }
  return { passed: passed(content), digest: () => hash.digest("hex") };
}

/** Bytes that are read at once to make a digest. */
const DIGEST_PART_BYTES = 64 * 2 ** 20;

/** sha256 of a file of any size. @throws FILE. */
async function digestOfFile({ files }: Env, path: string): Promise<string> {
  const size = await files.size(path);
  const hash = createHash("sha256");
  for (let at = 0; at < size; at += DIGEST_PART_BYTES)
    hash.update(await files.readRange(path, at, Math.min(DIGEST_PART_BYTES, size - at)));
  return hash.digest("hex");
}

/**
 * Reads plan.json and checks it, and every file it names against its digest.
 * @throws FILE when something is missing, ARTEFACT_MISMATCH naming the first thing that is wrong.
 */
export async function readPlan(env: Env, path: string): Promise<Plan> {
  const text = new TextDecoder().decode(await env.files.read(`${path}/${PLAN_FILES.plan}`));
  const plan = parsePlan(text, path);
  for (const [name, digest] of Object.entries(plan.files)) {
    if (!isPlanFile(name)) throw broken(path, `plan.json names the file ${JSON.stringify(name)}, which no plan has`);
    const found = await digestOfFile(env, `${path}/${name}`);
    if (found !== digest) throw broken(path, `${name} was changed; got sha256 ${found}, expected ${digest}`);
  }
  const { schedule, weights, model } = PLAN_FILES;
  const stageFiles = plan.stages.flatMap(({ programs, update }) => [...programs, ...(update ? [update] : [])]);
  for (const file of [schedule, weights, model, ...stageFiles.map((program) => program.file)]) {
    if (!Object.hasOwn(plan.files, file)) throw broken(path, `plan.json has no digest for ${file}`);
  }
  return plan;
}

/** The start values of the plan's parameters. @throws ARTEFACT_MISMATCH when one is missing or has another type. */
export function readWeights(env: Env, path: string, plan: Plan): Promise<Tensors> {
  const misfit = (what: string): Error => broken(path, `${PLAN_FILES.weights}: ${what}`);
  return readStartValues(env, `${path}/${PLAN_FILES.weights}`, plan, misfit);
}

function parsePlan(text: string, path: string): Plan {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw broken(path, `plan.json is not JSON (${(error as Error).message})`);
  }
  const result = planSchema.safeParse(json);
  if (!result.success) throw broken(path, `plan.json is not a plan of version 1: ${firstIssue(result.error)}`);
  const plan = result.data as Plan;
  const problem = brokenReference(plan);
  if (problem) throw broken(path, problem);
  return plan;
}

function isPlanFile(name: string): boolean {
  const { schedule, weights, model, blocks, external } = PLAN_FILES;
  return (
    /^stages\/\d+\.[a-z-]+\.onnx$/.test(name) ||
    [schedule, weights, model, blocks, external].some((file) => file === name)
  );
}

function firstIssue(error: ZodError): string {
  const issue = error.issues[0]!;
  return `${issue.path.join(".") || "the document"}: ${issue.message}`;
}

function broken(path: string, what: string): PipewrightError {
  return new PipewrightError(
    "ARTEFACT_MISMATCH",
    `${path}: ${what}. Make the plan again with \`pipewright partition\`.`,
  );
}
