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
    examples: ["demo", "demo --devices 3 --steps 20", "demo --steps 20 --json"],
    load: async () => (await import("./demo.js")).demo,
  },
  {
    name: "inspect",
    summary: "nodes, parameters, unbound dimensions, what has no gradient",
    argument: "model.onnx",
    flags: ["bind", "microbatchSize", "inputShape", "limit", "loss", "trainable", "batchNorm"],
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
    flags: [
      "devices",
      "bind",
      "microbatchSize",
      "inputShape",
      "limit",
      "loss",
      "trainable",
      "batchNorm",
      "repeat",
      "analytic",
      "out",
    ],
    examples: [
      "profile model.onnx --bind batch=4 --loss mse:logits=target",
      "profile model.onnx --bind batch=4 --loss softmax-cross-entropy --repeat 50 -o costs.json",
      "profile model.onnx --bind batch=4 --loss mse --analytic --json",
    ],
    load: async () => (await import("./profile.js")).profile,
  },
  {
    name: "partition",
    summary: "cuts a model into stages, with a bound on how good the cut is",
    argument: "model.onnx",
    flags: [...PLANNING_FLAGS, ...CUTTING, "seed", "out"],
    examples: [
      "partition model.onnx --bind batch=4 -m 8 -s 1f1b --loss softmax-cross-entropy:logits=labels -o plan",
      "partition model.onnx --batch 32 -m 8 --devices 4xcpu:2GiB --link 10GB/s,20us --pin encoder.*=0 --analytic",
      "partition model.onnx --bind batch=4 --devices 2 --schedule zb-h1 --loss mse --uncut logits --json",
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
      "schedule --check plan/schedule.csv --costs 10,11,9",
    ],
    load: async () => (await import("./schedule.js")).schedule,
  },
  {
    name: "simulate",
    summary: "timeline, step time and memory of a plan",
    argument: "plan",
    flags: ["limit", "out"],
    examples: ["simulate plan", "simulate plan -o trace.json", "simulate plan --json"],
    load: async () => (await import("./simulate.js")).simulatePlan,
  },
  {
    name: "verify",
    summary: "gradients and one training step of a plan against one device, bit for bit",
    argument: "plan",
    flags: ["limit", "data", "seed"],
    examples: ["verify plan", "verify plan --data train.npz", "verify plan --seed 7 --json"],
    load: async () => (await import("./verify.js")).verify,
  },
  {
    name: "train",
    summary: "trains with a plan, or makes one from a model first",
    argument: "plan|model.onnx",
    flags: [...PLANNING_FLAGS, "data", "shuffle", "seed", "steps", "out", ...LASTING],
    examples: [
      "train plan --data train.npz --steps 100 -o trained.onnx",
      "train plan --data train.npz --steps 100 --checkpoint-every 50 --resume auto",
      "train model.onnx --batch 32 -m 8 --loss softmax-cross-entropy:logits=labels --data train.npz --clip-norm 1",
    ],
    load: async () => (await import("./train.js")).trainCommand,
  },
  {
    name: "report",
    summary: "one page: stages on the model, timelines predicted and measured, memory, loss",
    argument: "plan",
    flags: ["limit", "out"],
    examples: ["report plan", "report plan -o report.html", "report plan --json"],
    load: async () => (await import("./report.js")).report,
  },
  {
    name: "compare",
    summary: "two plans and their last runs, side by side",
    argument: "plan",
    second: "other",
    flags: ["limit"],
    examples: ["compare plan model.plan", "compare plan model.plan --json", "compare plan model.plan --color always"],
    load: async () => (await import("./compare.js")).compare,
  },
  {
    name: "export",
    summary: "a plan for other tools: ONNX files with stages, or a program for PyTorch's pipelining",
    argument: "plan",
    flags: ["limit", "target", "out"],
    examples: [
      "export plan --target onnx",
      "export plan --target torch -o torch-run",
      "export plan --target onnx -o staged --json",
    ],
    load: async () => (await import("./export.js")).exportPlan,
  },
  {
    name: "config",
    summary: "checks flags from file, environment, --set and those of any command; says where each came from",
    hidesFlags: true,
    flags: [...PLANNING_FLAGS, ...CUTTING, "repeat", "data", "shuffle", "seed", "steps", ...LASTING, "print"],
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
