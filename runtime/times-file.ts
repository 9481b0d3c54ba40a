/** @file times.json: what the stages of a schedule cost, for those who have no model at hand. */
import * as z from "zod";
import { PipewrightError } from "../compiler/errors.js";
import type { ScheduleCosts } from "../compiler/schedule/costs.js";
import { LONGEST_MS } from "../compiler/schedule/costs.js";
import type { StagePair } from "../compiler/schedule/lower.js";
import { ARTEFACT_LIMIT_BYTES, parseArtefact } from "./artefact.js";
import type { Env } from "./env/env.js";
import { readAtMost } from "./plain-file.js";

const ms = z.number().min(0).max(LONGEST_MS);
const stage = z.number().int().min(0);
/** One number for all stages, or one for each. */
const perStage = z.union([ms, z.array(ms).min(1)]);
const schema = z.strictObject({
  forwardMs: perStage,
  inputGradMs: perStage,
  weightGradMs: perStage,
  latencyMs: ms.optional(),
  wireMs: ms.optional(),
  transfers: z
    .array(
      z.strictObject({
        from: stage,
        to: stage,
        latencyMs: ms.default(0),
        forwardMs: ms.default(0),
        gradMs: ms.default(0),
      }),
    )
    .optional(),
  stash: z.strictObject({ forward: perStage, weight: perStage }).optional(),
  overlap: z.number().min(0).max(1).optional(),
  placement: z.array(stage).min(1).optional(),
});

/**
 * Times in ms per microbatch. `latencyMs`, `wireMs`: of every message between neighbouring stages, unless `transfers`
 * lists the messages. `stash`: what a microbatch keeps on a stage, in the unit of the memory limit, and the part of it
 * that W needs. `overlap`: share of its shorter half that a pair hides. `placement`: device of each stage.
 */
export type TimesFile = Readonly<z.infer<typeof schema>>;

/** @throws FILE; LIMIT_EXCEEDED; USAGE when the file holds anything else. */
export async function readTimes({ files }: Env, path: string): Promise<TimesFile> {
  return parseArtefact(await readAtMost(files, path, ARTEFACT_LIMIT_BYTES), schema, (what) => refusal(path, what));
}

/** Number of stages that the lists of a file are for; undefined if it has none. */
export function stagesOf({ placement, forwardMs, inputGradMs, weightGradMs }: TimesFile): number | undefined {
  return [placement, forwardMs, inputGradMs, weightGradMs].find((list) => Array.isArray(list))?.length;
}

/** The costs of so many stages, of which `neighbours` exchange tensors. */
export function costsFrom(times: TimesFile, stages: number, neighbours: readonly StagePair[]): ScheduleCosts {
  const { latencyMs = 0, wireMs = 0, transfers, stash, overlap } = times;
  const all = (value: number | readonly number[]): readonly number[] =>
    typeof value === "number" ? new Array<number>(stages).fill(value) : value;
  const between = latencyMs > 0 || wireMs > 0 ? neighbours : [];
  return {
    forwardMs: all(times.forwardMs),
    inputGradMs: all(times.inputGradMs),
    weightGradMs: all(times.weightGradMs),
    transfers: transfers ?? between.map(({ from, to }) => ({ from, to, latencyMs, forwardMs: wireMs, gradMs: wireMs })),
    ...(stash && { stash: { forward: all(stash.forward), weight: all(stash.weight) } }),
    ...(overlap !== undefined && { overlap }),
  };
}

function refusal(path: string, what: string): PipewrightError {
  return new PipewrightError(
    "USAGE",
    `costs ${path}: ${what}; expected forwardMs, inputGradMs and weightGradMs, each a number or one number per stage. Correct the file.`,
    { path },
  );
}
