/** @file Reads blocks.json, whose digest the plan keeps. */
import * as z from "zod";
import type { PipewrightError } from "../../compiler/errors.js";
import type { BlockMap } from "../../compiler/plan/block-map.js";
import type { Plan } from "../../compiler/plan/plan.js";
import type { Env } from "../env/env.js";
import { ARTEFACT_LIMIT_BYTES, besideFault, parseArtefact } from "../artefact.js";
import { readPlainFile } from "../plain-file.js";
import { PLAN_FILES } from "../plan/directory.js";

const count = z.int().min(0);
const finite = z.number().min(0);
const schema = z.strictObject({
  version: z.literal(1),
  blocks: z.array(
    z.strictObject({
      name: z.string(),
      stage: count,
      nodes: z.array(z.string()),
      forwardMs: finite,
      inputGradMs: finite,
      weightGradMs: finite,
      parameterBytes: count,
      stashBytes: count,
    }),
  ),
  nets: z.array(
    z.strictObject({ producer: count, consumers: z.array(count), forwardBytes: finite, gradBytes: finite }),
  ),
});

/** The block graph behind a plan; undefined when the plan has none. @throws FILE, ARTEFACT_MISMATCH. */
export async function readBlocks({ files }: Env, directory: string, plan: Plan): Promise<BlockMap | undefined> {
  if (!Object.hasOwn(plan.files, PLAN_FILES.blocks)) return undefined;
  const mismatch = (what: string): PipewrightError => besideFault(directory, PLAN_FILES.blocks, what);
  const bytes = await readPlainFile(files, directory, PLAN_FILES.blocks, ARTEFACT_LIMIT_BYTES);
  const map: BlockMap = parseArtefact(bytes, schema, mismatch);
  if (map.blocks.some(({ stage }) => stage >= plan.stages.length)) throw mismatch("a block is on no stage");
  const fits = (block: number): boolean => block < map.blocks.length;
  if (!map.nets.every(({ producer, consumers }) => fits(producer) && consumers.every(fits)))
    throw mismatch("a net names a block that is not there");
  return map;
}
