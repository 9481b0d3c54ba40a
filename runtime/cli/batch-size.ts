/**
 * @file How many samples a step takes: batch = microbatches × microbatch size, of which any two give the third.
 * Source: DeepSpeed's rule train_batch_size = train_micro_batch_size_per_gpu × gradient_accumulation_steps × replicas,
 * with the one replica that a pipeline is.
 */
import { PipewrightError } from "../../compiler/errors.js";
import { plainName } from "../../compiler/names.js";
import type { ModelLimits } from "../../compiler/onnx/limits.js";
import type { ModelProto } from "../../compiler/onnx/proto.js";
import { has, numberOf } from "../../compiler/onnx/proto.js";
import type { Env } from "../env/env.js";
import { readModelProto } from "../model-file.js";
import type { FlagValues } from "./flags.js";

/** The three numbers; undefined: not given. */
export interface BatchNumbers {
  readonly batch?: number | undefined;
  readonly microbatches?: number | undefined;
  readonly microbatchSize?: number | undefined;
}

/** Batch dimension of a model: a symbolic dim, or a size that the file fixes. */
export type BatchDim = { readonly symbol: string } | { readonly size: number };

/** All three where two are known. @throws USAGE with the numbers when they contradict each other. */
export function completeBatch({ batch, microbatches, microbatchSize }: BatchNumbers): BatchNumbers {
  if (batch === undefined) {
    const known = microbatches !== undefined && microbatchSize !== undefined;
    return { batch: known ? microbatches * microbatchSize : undefined, microbatches, microbatchSize };
  }
  if (microbatches !== undefined && microbatchSize !== undefined) {
    if (batch === microbatches * microbatchSize) return { batch, microbatches, microbatchSize };
    throw new PipewrightError(
      "USAGE",
      `--batch: the numbers contradict each other; got ${batch} samples, expected ${microbatches} microbatches of ${microbatchSize}, which are ${microbatches * microbatchSize}. Leave one of the three out.`,
      { batch, microbatches, microbatchSize },
    );
  }
  const part = microbatches ?? microbatchSize;
  if (part === undefined)
    throw new PipewrightError(
      "USAGE",
      `--batch: ${batch} samples are not enough to know; got neither microbatches nor their size. Give --microbatches or --microbatch-size.`,
      { batch },
    );
  if (batch % part === 0)
    return { batch, microbatches: microbatches ?? batch / part, microbatchSize: microbatchSize ?? batch / part };
  const parts = microbatches === undefined ? `microbatches of ${part}` : `${part} microbatches`;
  throw new PipewrightError(
    "USAGE",
    `--batch: the samples cannot be divided; got ${batch} for ${parts}, expected a multiple of ${part}. Change one of the two.`,
    { batch, microbatches, microbatchSize },
  );
}

/** The flags with `bind` and `microbatches` as the batch says; as they are when nothing is said of it. @throws USAGE, FILE. */
export async function withBatch(env: Env, path: string, flags: FlagValues, limits: ModelLimits): Promise<FlagValues> {
  const { batch, microbatches, microbatchSize } = flags;
  if (batch === undefined && microbatchSize === undefined) return flags;
  const dim = batchDim(await readModelProto(env, path, limits));
  const own = "size" in dim ? dim.size : flags.bind?.get(dim.symbol);
  if (own !== undefined && microbatchSize !== undefined && own !== microbatchSize)
    throw new PipewrightError(
      "USAGE",
      `--microbatch-size: the model's batch dimension has another size; got ${microbatchSize}, expected ${own}. Leave it out.`,
      { microbatchSize, size: own },
    );
  const whole = completeBatch({ batch, microbatches, microbatchSize: own ?? microbatchSize });
  const size = whole.microbatchSize;
  return {
    ...flags,
    ...(whole.microbatches === undefined ? {} : { microbatches: whole.microbatches }),
    ...("symbol" in dim && size !== undefined ? { bind: new Map([...(flags.bind ?? []), [dim.symbol, size]]) } : {}),
  };
}

/** The first dimension of the inputs. @throws USAGE when they do not agree on one. */
export function batchDim({ graph }: ModelProto): BatchDim {
  const weights = new Set((graph?.initializer ?? []).map(({ name }) => name));
  const firsts = (graph?.input ?? []).flatMap(({ name, type }) => {
    const [first] = (!weights.has(name) && type?.tensor_type?.shape?.dim) || [];
    return first ? [{ name, first }] : [];
  });
  const symbols = new Set(
    firsts.flatMap(({ name, first }) => (has(first, "dim_value") ? [] : [first.dim_param || `${name}.0`])),
  );
  const sizes = new Set(firsts.flatMap(({ first }) => (has(first, "dim_value") ? [numberOf(first.dim_value!)] : [])));
  const [symbol] = symbols;
  const [size] = sizes;
  if (symbols.size === 1) return { symbol: symbol! };
  if (symbols.size === 0 && sizes.size === 1) return { size: size! };
  const found = symbols.size > 0 ? [...symbols].map(plainName).join(", ") : [...sizes].join(", ") || "none";
  throw new PipewrightError(
    "USAGE",
    `--batch: the model does not say which dimension is the batch; got ${found} as first dimensions of its inputs, expected one. Give --bind and --microbatches.`,
    { dims: [...symbols] },
  );
}
