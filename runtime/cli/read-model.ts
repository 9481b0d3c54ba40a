/** @file From the argument and the flags of a command to a model with static shapes. */
import type { ModelLimits } from "../../compiler/onnx/limits.js";
import { DEFAULT_LIMITS } from "../../compiler/onnx/limits.js";
import type { Env } from "../env/env.js";
import type { LoadedModel } from "../model-file.js";
import { loadModel } from "../model-file.js";
import { withBatch } from "./batch-size.js";
import type { FlagValues } from "./flags.js";
import type { Progress } from "./progress.js";
import { modelPrecision, precisionNotes } from "./render/precision.js";

/** A model with the flags that go on with it. */
export interface ReadModel {
  readonly model: LoadedModel;
  /** Those given, with sizes and microbatches as the batch says. */
  readonly flags: FlagValues;
}

/** The model of a command's argument, with the shapes that the flags give. */
export async function readModel(env: Env, progress: Progress, path: string, given: FlagValues): Promise<ReadModel> {
  progress.begin("read");
  const { model, flags } = await loadAsAsked(env, path, given);
  progress.end(`${model.graph.nodes.length} nodes`);
  for (const note of precisionNotes(modelPrecision(model))) progress.note(note);
  return { model, flags };
}

/** The limits on models, raised as `--limit` says. */
export function limitsOf({ limit }: FlagValues): ModelLimits {
  return { ...DEFAULT_LIMITS, ...limit };
}

/** The same without a word. @throws what `loadModel` throws, and USAGE for a batch that does not fit. */
export async function loadAsAsked(env: Env, path: string, given: FlagValues): Promise<ReadModel> {
  const limits = limitsOf(given);
  const flags = await withBatch(env, path, given, limits);
  const shapes = Object.fromEntries(flags.inputShape ?? []);
  return { model: await loadModel(env, path, Object.fromEntries(flags.bind ?? []), shapes, limits), flags };
}
