/** @file Reads blocks.json, whose digest the plan keeps. */
import * as z from "zod";
import type { BlockMap } from "../../compiler/plan/block-map.js";
import type { Plan } from "../../compiler/plan/plan.js";
import type { Env } from "../env/env.js";
import { PLAN_FILES } from "../plan/directory.js";
import { mismatch, readArtefact } from "./artefact.js";

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
export async function readBlocks(env: Env, directory: string, plan: Plan): Promise<BlockMap | undefined> {
  if (!(PLAN_FILES.blocks in plan.files)) return undefined;
  const path = `${directory}/${PLAN_FILES.blocks}`;
  const map: BlockMap = await readArtefact(env, path, schema);
  if (map.blocks.some(({ stage }) => stage >= plan.stages.length)) throw mismatch(path, "a block is on no stage");
  const fits = (block: number): boolean => block < map.blocks.length;
  if (!map.nets.every(({ producer, consumers }) => fits(producer) && consumers.every(fits)))
    throw mismatch(path, "a net names a block that is not there");
  return map;
}
