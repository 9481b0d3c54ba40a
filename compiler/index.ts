/** @file The public surface of the compiler: `import { … } from "pipewright"`. */
export { compile } from "./compile.js";
export type { Compiled, CompileModel, CompileOptions, CutOptions } from "./compile.js";
export { localCluster } from "./cluster.js";
export type { ClusterSpec } from "./cluster.js";
export { EXIT_CODE, PipewrightError } from "./errors.js";
export type { ErrorCode, ErrorDetails } from "./errors.js";
export type {
  DType,
  Graph,
  Literal,
  LiteralElements,
  Node,
  NodeId,
  Shape,
  StateUpdate,
  TensorType,
  Value,
} from "./ir/graph.js";
export type { Conversion, Half } from "./ir/half.js";
export { formatGraph } from "./ir/print.js";
export { parseLoss } from "./loss/spec.js";
export type { LossSpec, OutputLossSpec, TargetLossSpec } from "./loss/spec.js";
export { importModel } from "./onnx/import.js";
export type { ImportedModel, ImportOptions } from "./onnx/import.js";
export type { ModelLimits } from "./onnx/limits.js";
export { partition } from "./partition/partition.js";
export type { PartitionOptions } from "./partition/partition.js";
export type * from "./partition/problem.js";
export type * from "./plan/plan.js";
export type { StoredTensor, Tensors } from "./plan/safetensors.js";
export type { PipelineOptions, Recompute } from "./planning/candidate.js";
export type * from "./profile/profile.js";
export type { Action, Phase, Schedule } from "./schedule/action.js";
export { checkSchedule } from "./schedule/check.js";
export type { ScheduleCosts, Transfer } from "./schedule/costs.js";
export { readCsv, writeCsv } from "./schedule/csv.js";
export type { StashSizes } from "./schedule/in-flight.js";
export { printSchedule } from "./schedule/print.js";
export { scheduleByName } from "./schedule/registry.js";
export { simulate } from "./schedule/simulate.js";
export type { Timeline } from "./schedule/simulate.js";
export type { ScheduleSize } from "./schedule/size.js";
export type { SteeringRules } from "./steering.js";
export type { TrainingOptions } from "./training.js";
