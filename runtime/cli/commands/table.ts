/** @file All commands with their flags and examples, in the order of `--help`. Bodies are loaded when called. */
import type { CommandSpec } from "../command.js";
import type { FlagName } from "../flags.js";
import { PLANNING_FLAGS } from "../flags.js";

/** Flags that say how to cut; `train` takes a plan that was cut with them. */
const CUTTING: readonly FlagName[] = ["method", "optimize", "memoryWeight", "pin", "together", "uncut", "maxInFlight"];

/** Flags of runs that outlive their processes. */
const LASTING: readonly FlagName[] = [
  "prefetch",
  "checkpointEvery",
  "checkpointDir",
  "keep",
  "resume",
  "restarts",
  "hangTimeout",
];

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "demo",
    summary: "the whole way on an embedded model, in seconds",
    flags: ["devices", "steps", "seed", "out"],
    examples: ["demo", "demo --devices 4", "demo --json"],
    load: async () => (await import("./demo.js")).demo,
  },
  {
    name: "inspect",
    summary: "nodes, parameters, unbound dimensions, what has no gradient",
    argument: "model.onnx",
    flags: ["bind", "inputShape", "limit", "loss", "trainable", "batchNorm"],
    examples: [
      "inspect model.onnx",
      "inspect model.onnx --bind batch=4",
      "inspect model.onnx --loss softmax-cross-entropy:logits=labels --json",
    ],
    load: async () => (await import("./inspect.js")).inspect,
  },
  {
    name: "profile",
    summary: "measures forward, input-gradient and weight-gradient times",
    argument: "model.onnx",
    flags: ["devices", "bind", "inputShape", "limit", "loss", "trainable", "batchNorm", "repeat", "analytic", "out"],
    examples: [
      "profile model.onnx --loss mse:output=target",
      "profile model.onnx --loss mse --bind batch=4 --repeat 20 -o profile.json",
      "profile model.onnx --loss mse --devices 1xcpu,1xcuda",
    ],
    load: async () => (await import("./profile.js")).profile,
  },
  {
    name: "partition",
    summary: "cuts a model into stages, with a bound on how good the cut is",
    argument: "model.onnx",
    flags: [...PLANNING_FLAGS, ...CUTTING, "seed", "out"],
    examples: [
      "partition model.onnx --devices 4 --microbatches 8 --loss softmax-cross-entropy:logits=labels -o plan",
      "partition model.onnx --devices 4xcpu:2GiB --link 10GB/s,20us --pin encoder.*=0 --uncut logits --analytic",
      "partition model.onnx --devices 2 --schedule zb-h1 --loss output:loss --bind batch=4 --json",
    ],
    load: async () => (await import("./partition.js")).partition,
  },
  {
    name: "schedule",
    summary: "a schedule on its own: grid, bubble, bound; writes and checks PyTorch's CSV",
    flags: [
      "devices",
      "microbatches",
      "schedule",
      "stagesPerDevice",
      "window",
      "costs",
      "memory",
      "placement",
      "seed",
      "timeLimit",
      "grid",
      "csv",
      "comms",
      "svg",
      "trace",
      "check",
    ],
    examples: [
      "schedule --devices 4 --microbatches 8 --schedule zb-h1 --svg zb-h1.svg",
      "schedule --devices 8 --microbatches 24 --costs times.json --memory 10 --csv out.csv",
      "schedule --check schedule.csv --costs 10,11,9",
    ],
    load: async () => (await import("./schedule.js")).schedule,
  },
  {
    name: "simulate",
    summary: "timeline, step time and memory of a plan",
    argument: "plan",
    flags: ["out"],
    examples: ["simulate plan", "simulate plan -o trace.json", "simulate plan --json"],
    load: async () => (await import("./simulate.js")).simulatePlan,
  },
  {
    name: "verify",
    summary: "gradients and one training step of a plan against one device, bit for bit",
    argument: "plan",
    flags: ["data", "seed"],
    examples: ["verify plan", "verify plan --data train.npz", "verify plan --seed 7 --json"],
    load: async () => (await import("./verify.js")).verify,
  },
  {
    name: "train",
    summary: "trains with a plan, or makes one from a model first",
    argument: "plan|model.onnx",
    flags: [...PLANNING_FLAGS, "data", "shuffle", "seed", "steps", "out", ...LASTING],
    examples: [
      "train plan --data train.npz --steps 1000 -o trained.onnx",
      "train plan --data train.npz --steps 1000 --checkpoint-every 100 --resume auto",
      "train model.onnx --data train.npz --steps 2000 --lr-schedule cosine:warmup=100 --clip-norm 1",
    ],
    load: async () => (await import("./train.js")).trainCommand,
  },
  {
    name: "report",
    summary: "one page: stages on the model, timelines predicted and measured, memory, loss",
    argument: "plan",
    flags: ["out"],
    examples: ["report plan", "report plan -o report.html", "report plan --json"],
    load: async () => (await import("./report.js")).report,
  },
  {
    name: "compare",
    summary: "two plans and their last runs, side by side",
    argument: "plan",
    second: "other",
    flags: [],
    examples: ["compare plan-a plan-b", "compare before after --json", "compare plan other --no-color"],
    load: async () => (await import("./compare.js")).compare,
  },
  {
    name: "export",
    summary: "a plan as ONNX files: the model with a stage on every node, the graphs of the stages",
    argument: "plan",
    flags: ["target", "out"],
    examples: ["export plan --target onnx", "export plan --target onnx -o staged", "export plan --target onnx --json"],
    load: async () => (await import("./export.js")).exportPlan,
  },
  {
    name: "config",
    summary: "checks flags from file, environment and --set; says where each came from",
    flags: [...PLANNING_FLAGS, "repeat", "data", "shuffle", "seed", "steps", "print"],
    examples: ["config --config job.yaml", "config --config job.yaml --print", "config --set devices=4 --print --json"],
    load: async () => (await import("./config.js")).config,
  },
  {
    name: "completion",
    summary: "completion of commands and flags for bash, zsh or fish",
    argument: "shell",
    flags: [],
    examples: ["completion bash", "completion zsh", "completion fish"],
    load: async () => (await import("./completion.js")).completion,
  },
  {
    name: "doctor",
    summary: "engines, devices, versions, what is missing and how to get it",
    flags: [],
    examples: ["doctor", "doctor --json", "doctor --no-color"],
    load: async () => (await import("./doctor.js")).doctor,
  },
];
