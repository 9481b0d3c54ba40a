/** @file The plan directory: written at once or not at all, and checked whole when it is read back. */
import { createHash } from "node:crypto";
import { PipewrightError } from "../../compiler/errors.js";
import type { BlockMap } from "../../compiler/plan/block-map.js";
import type { Plan } from "../../compiler/plan/plan.js";
import type { Tensors } from "../../compiler/plan/safetensors.js";
import { writeSafetensors } from "../../compiler/plan/safetensors.js";
import { parseJson } from "../../compiler/plan/strict-json.js";
import type { ModelLimits } from "../../compiler/onnx/limits.js";
import { DEFAULT_LIMITS } from "../../compiler/onnx/limits.js";
import { ARTEFACT_LIMIT_BYTES, parseSealed, sealedJson } from "../artefact.js";
import { digestOf, digestOfFile } from "../digest.js";
import type { Content, Env } from "../env/env.js";
import { readPlainFile, withPlainFile } from "../plain-file.js";
import { brokenReference } from "./references.js";
import { planSchema } from "./schema.js";
import { checkStageGraph } from "./stage-graph.js";
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

/** Name of the record of what was tried, beside the plan. */
export const SEARCH_FILE = "search.json";

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
  /** What search.json says. It tells of times, so the plan knows nothing of it. */
  readonly search?: string;
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
    await env.files.writeAtomic(`${temporary}/${PLAN_FILES.plan}`, sealedJson(plan, 1));
    if (contents.search !== undefined) await env.files.writeAtomic(`${temporary}/${SEARCH_FILE}`, contents.search);
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

/**
 * Reads plan.json and checks it, and every file it names against its digest.
 * Ensures: the plan names no file outside its directory, and neither do its stage graphs.
 * @throws FILE when something is missing, ARTEFACT_MISMATCH naming the first thing that is wrong, LIMIT_EXCEEDED.
 */
export async function readPlan(
  { files }: Pick<Env, "files">,
  path: string,
  limits: ModelLimits = DEFAULT_LIMITS,
): Promise<Plan> {
  const bytes = await readPlainFile(files, path, PLAN_FILES.plan, ARTEFACT_LIMIT_BYTES);
  const plan = parseSealed(bytes, planSchema, (what) => broken(path, `plan.json: ${what}`)) as Plan;
  const problem = brokenReference(plan);
  if (problem) throw broken(path, problem);
  for (const [name, digest] of Object.entries(plan.files)) {
    if (!isPlanFile(name)) throw broken(path, `plan.json names the file ${JSON.stringify(name)}, which no plan has`);
    const found = await withPlainFile(files, path, name, (file) => digestOfFile(file, "sha256"));
    if (found !== digest) throw broken(path, `${name} was changed; got sha256 ${found}, expected ${digest}`);
  }
  const { schedule, weights, model } = PLAN_FILES;
  const graphs = plan.stages.flatMap(({ programs, update }) => [...programs, ...(update ? [update] : [])]);
  for (const file of [schedule, weights, model, ...graphs.map((graph) => graph.file)]) {
    if (!Object.hasOwn(plan.files, file)) throw broken(path, `plan.json has no digest for ${file}`);
  }
  for (const graph of graphs) await checkStageGraph(files, path, graph, limits);
  return plan;
}

/** What tells a plan from every other: the digest at the end of its plan.json. Requires: `readPlan` took it. @throws FILE. */
export async function planDigest({ files }: Pick<Env, "files">, path: string): Promise<string> {
  const bytes = await readPlainFile(files, path, PLAN_FILES.plan, ARTEFACT_LIMIT_BYTES);
  return (parseJson(bytes) as { readonly digest: string }).digest;
}

/** The start values of the plan's parameters. @throws ARTEFACT_MISMATCH when one is missing or has another type. */
export function readWeights(env: Env, path: string, plan: Plan): Promise<Tensors> {
  const misfit = (what: string): Error => broken(path, `${PLAN_FILES.weights}: ${what}`);
  return withPlainFile(env.files, path, PLAN_FILES.weights, (file) =>
    readStartValues(file, `${path}/${PLAN_FILES.weights}`, plan, misfit),
  );
}

function isPlanFile(name: string): boolean {
  const { schedule, weights, model, blocks, external } = PLAN_FILES;
  return (
    /^stages\/\d+\.[a-z-]+\.onnx$/.test(name) ||
    [schedule, weights, model, blocks, external].some((file) => file === name)
  );
}

function broken(path: string, what: string): PipewrightError {
  return new PipewrightError(
    "ARTEFACT_MISMATCH",
    `${path}: ${what}. Make the plan again with \`pipewright partition\`.`,
  );
}
