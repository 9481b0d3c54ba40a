/** @file What plan.json must look like. Checked before anything of it is used. */
import * as z from "zod";

const count = z.int().min(0);
const finite = z.number().min(0);
const shape = z.array(count);
const dtype = z.enum([
  "float32",
  "float64",
  "float16",
  "bfloat16",
  "int64",
  "int32",
  "int16",
  "int8",
  "uint64",
  "uint32",
  "uint16",
  "uint8",
  "bool",
]);
const tensor = { name: z.string(), dtype, shape };
const programKind = z.enum(["forward", "backward", "input-grad", "weight-grad", "add"]);
/** The only places a plan may point to: nothing outside its directory, nothing absolute, no "..". */
const stageFile = z.string().regex(/^stages\/\d+\.(forward|backward|input-grad|weight-grad|add|update)\.onnx$/);
const port = z.discriminatedUnion("at", [
  z.strictObject({ tensor: z.string(), at: z.literal("param"), param: z.string() }),
  z.strictObject({ tensor: z.string(), at: z.literal("accumulator"), param: z.string() }),
  z.strictObject({ tensor: z.string(), at: z.literal("input") }),
  z.strictObject({ tensor: z.string(), at: z.literal("slot") }),
  z.strictObject({ tensor: z.string(), at: z.literal("result"), result: z.string().optional() }),
]);
const link = z.strictObject({ bytesPerMs: z.number().positive(), latencyMs: finite });
/** What takes time besides nodes, in plans and profiles. */
export const overheads = z.strictObject({ actionMs: finite, messageMs: finite, updateMsPerElement: finite });
/** What every optimizer may have. */
const updateSettings = {
  schedule: z
    .strictObject({
      kind: z.enum(["constant", "linear", "cosine"]),
      warmupSteps: count,
      warmupStart: finite,
      totalSteps: count.optional(),
      floor: finite,
    })
    .optional(),
  groups: z
    .array(
      z.strictObject({
        parameters: z.array(z.string()),
        weightDecay: finite.optional(),
        learningRateScale: finite.optional(),
      }),
    )
    .optional(),
  clipNorm: z.number().positive().optional(),
};
/** Settings of an optimizer, in plans and checkpoints. */
export const optimizer = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("sgd"),
    learningRate: finite,
    momentum: finite,
    weightDecay: finite,
    ...updateSettings,
  }),
  z.strictObject({
    kind: z.literal("adamw"),
    learningRate: finite,
    beta1: finite,
    beta2: finite,
    epsilon: finite,
    weightDecay: finite,
    ...updateSettings,
  }),
]);
/** Sizes by the names of dims, which may be any: what zod makes of a record loses `__proto__`. */
function isSizes(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((size) => count.safeParse(size).success)
  );
}

/** The choices behind a graph, in plans and checkpoints. */
export const training = z.strictObject({
  loss: z.array(z.string()),
  bind: z.custom<Readonly<Record<string, number>>>(isSizes, "expected sizes by name"),
  trainable: z.array(z.string()).optional(),
  batchNorm: z.enum(["train", "frozen"]).optional(),
});
const stage = z.strictObject({
  index: count,
  device: count,
  nodes: count,
  programs: z.array(
    z.strictObject({ kind: programKind, file: stageFile, inputs: z.array(port), outputs: z.array(port) }),
  ),
  update: z.strictObject({ file: stageFile }).optional(),
  forwardMs: finite,
  inputGradMs: finite,
  weightGradMs: finite,
  parameterBytes: count,
  sendBytes: count,
  peakBytes: count,
  workspaceBytes: count,
  recomputed: count,
  standIns: z.array(count).optional(),
});

/** Schema of plan.json, version 1. */
export const planSchema = z.strictObject({
  version: z.literal(1),
  model: z.strictObject({
    name: z.string(),
    digest: z.string(),
    nodes: count,
    blocks: count,
    parameters: count,
    conversions: z
      .array(z.strictObject({ from: z.enum(["float16", "bfloat16"]), parameters: count, inputs: count, casts: count }))
      .optional(),
  }),
  profile: z.strictObject({
    source: z.enum(["analytic", "measured"]),
    concurrency: z.int().min(1).optional(),
    overheads: z.array(overheads).optional(),
  }),
  devices: z
    .array(
      z.strictObject({
        name: z.string(),
        kind: z.enum(["cpu", "cuda", "webgpu"]),
        flopsPerMs: z.number().positive(),
        memoryBytesPerMs: z.number().positive(),
        memoryBytes: count.optional(),
        threads: z.int().min(1).optional(),
      }),
    )
    .min(1),
  link,
  links: z.array(link.extend({ from: count, to: count })).optional(),
  microbatches: z.int().min(1),
  schedule: z.strictObject({
    name: z.string(),
    copies: z.int().min(2).optional(),
    forecast: z.strictObject({
      makespanMs: finite,
      updateMs: finite,
      boundMs: finite,
      gap: finite,
      bubble: finite,
      peakActivations: z.array(count),
      peakBytes: z.array(count),
    }),
  }),
  partition: z.strictObject({
    model: z.enum(["direct", "relay"]),
    solver: z.string(),
    certificate: z.strictObject({
      status: z.enum(["optimal", "feasible"]),
      bottleneckMs: finite,
      boundMs: finite,
      gap: finite,
      ownBoundMs: finite,
    }),
  }),
  optimizer,
  training,
  inputs: z.array(
    z.strictObject({ ...tensor, batchAxis: count.optional(), stages: z.array(count), below: count.optional() }),
  ),
  results: z.array(z.strictObject({ ...tensor, stage: count })).min(1),
  parameters: z.array(
    z.strictObject({
      ...tensor,
      stage: count,
      readers: z.array(count),
      trainable: z.boolean(),
      fill: z.number().optional(),
      group: count.optional(),
    }),
  ),
  stages: z.array(stage).min(1),
  slotGroups: z.array(
    z.strictObject({
      stage: count,
      program: programKind,
      slots: z.int().min(1),
      slotOf: z.array(count),
      values: z.array(z.strictObject({ ...tensor, shared: z.boolean() })),
    }),
  ),
  rows: z.array(
    z.array(
      z.strictObject({
        stage: count,
        phase: z.enum(["F", "B", "I", "W"]),
        microbatch: count,
        waits: z.array(z.strictObject({ device: count, count })),
        adds: z.array(count).optional(),
      }),
    ),
  ),
  files: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)),
});
