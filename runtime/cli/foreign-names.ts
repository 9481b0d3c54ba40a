/**
 * @file Configuration names of SageMaker's model parallelism (its `smp` dictionary) and of DeepSpeed: which flag each is
 * here, and what is refused because nothing here does it.
 * Source: the SageMaker Python SDK's "modelparallel" parameters; DeepSpeed's "Batch Size Related Parameters".
 */
import type { FlagName } from "./flags.js";

/** A name whose value says what pipewright does anyway, or cannot do. */
export interface FixedName {
  /** Values that ask for nothing else, in lower case. */
  readonly accepts: readonly string[];
  /** Why other values are refused. */
  readonly reason: string;
}

const NO_REPLICAS = "there is one pipeline, and no data parallelism";
const NO_OFFLOAD = "activations stay on their device; `recompute: auto` saves memory";
const FLOAT32 = "models train in float32, whatever their file holds";
const PLACEMENTS = ["cluster", "spread", "dpt", "dtp", "pdt", "ptd", "tdp", "tpd"];

/** Parameters of SageMaker's dictionary that are flags here. */
export const SMP_FLAGS: Readonly<Record<string, FlagName>> = {
  partitions: "devices",
  pipeline_parallel_degree: "devices",
  microbatches: "microbatches",
  pipeline: "schedule",
  active_microbatches: "window",
  optimize: "optimize",
  memory_weight: "memoryWeight",
  skip_tracing: "analytic",
};

/** Its other parameters. */
export const SMP_FIXED: Readonly<Record<string, FixedName>> = {
  placement_strategy: {
    accepts: PLACEMENTS,
    reason:
      "without data and tensor parallelism it is cluster, spread or an order of D, P and T, which are all the same",
  },
  auto_partition: { accepts: ["true"], reason: "nodes that no `pin` names are always placed" },
  default_partition: { accepts: [], reason: "no node is left unplaced; `pin` puts nodes on a stage" },
  contiguous: { accepts: ["false"], reason: "the nodes of a stage need not be connected" },
  deterministic_server: { accepts: ["true", "false"], reason: "messages always have one order" },
  ddp: { accepts: ["false"], reason: NO_REPLICAS },
  ddp_dist_backend: { accepts: ["auto"], reason: NO_REPLICAS },
  ddp_port: { accepts: [], reason: NO_REPLICAS },
  horovod: { accepts: ["false"], reason: NO_REPLICAS },
  data_parallel_degree: { accepts: ["1"], reason: NO_REPLICAS },
  sharded_data_parallel_degree: { accepts: ["1"], reason: NO_REPLICAS },
  sdp_reduce_bucket_size: { accepts: [], reason: NO_REPLICAS },
  sdp_param_persistence_threshold: { accepts: [], reason: NO_REPLICAS },
  sdp_max_live_parameters: { accepts: [], reason: NO_REPLICAS },
  sdp_hierarchical_allgather: { accepts: [], reason: NO_REPLICAS },
  sdp_gradient_clipping: { accepts: [], reason: `${NO_REPLICAS}; \`clip-norm\` clips gradients` },
  shard_optimizer_state: { accepts: ["false"], reason: `${NO_REPLICAS}; the optimizer's state lies with its stage` },
  tensor_parallel_degree: { accepts: ["1"], reason: "an operator runs on one device" },
  prescaled_batch: { accepts: ["false"], reason: "it is for tensor parallelism; an operator runs on one device" },
  offload_activations: { accepts: ["false"], reason: NO_OFFLOAD },
  activation_loading_horizon: { accepts: [], reason: NO_OFFLOAD },
  fp16: { accepts: ["false"], reason: FLOAT32 },
  bf16: { accepts: ["false"], reason: FLOAT32 },
  fp16_params: { accepts: ["false"], reason: FLOAT32 },
};

/** Names of DeepSpeed, and of those who took them over, that are flags here. */
export const DEEPSPEED_FLAGS: Readonly<Record<string, FlagName>> = {
  train_batch_size: "batch",
  train_micro_batch_size_per_gpu: "microbatchSize",
  micro_batch_size_per_gpu: "microbatchSize",
  gradient_accumulation_steps: "microbatches",
  gradient_clipping: "clipNorm",
  max_grad_norm: "clipNorm",
  scheduler: "lrSchedule",
};

/** Flags for which DeepSpeed's "auto" means that they are not given. */
export const AUTO_FLAGS: readonly FlagName[] = ["batch", "microbatchSize", "microbatches"];

/** The same for every spelling of a name: "stages-per-device", "stages_per_device", "stagesPerDevice". */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, "");
}

/** By the spelling that `plainName` gives. */
export function byPlainName<T>(names: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  return new Map(Object.entries(names).map(([name, value]) => [plainName(name), value]));
}
