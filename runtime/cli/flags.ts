/** @file Every flag of the command line with its reader and its help line. The list is frozen by test/flags.test.ts. */
import type { PlacementKind } from "../../compiler/schedule/auto.js";
import { PARTITION_METHODS } from "../../compiler/partition/method-names.js";
import type { BatchNormMode } from "../../compiler/plan/plan.js";
import { parseCosts } from "./parse/costs.js";
import { parseDevices } from "./parse/devices.js";
import { parseLinks } from "./parse/links.js";
import { parseLimits } from "./parse/limits.js";
import { parseLearningRate, parseOptimizer, parseParameterGroups, parsePositive } from "./parse/optimizer.js";
import { oneOf, wholeNumber } from "./parse/text.js";
import { parseGroups, parsePatterns, parsePins, parseWeight } from "./parse/steering.js";
import { parseBind, parseInputShapes, parseLosses } from "./parse/training.js";
import { parseDurationMs, parseShare } from "./parse/units.js";
import type { ValueForm } from "./value-form.js";
import { choiceForm, LIST, MAP, NUMBER, SWITCH, TEXT, wholeForm } from "./value-form.js";

/** A flag with a value. */
export interface ValueFlag<T> {
  /** As commander reads it: "-d, --devices <list>". */
  readonly form: string;
  readonly help: string;
  /** @throws PipewrightError USAGE, to which the name of the flag is added. */
  readonly parse: (text: string) => T;
  /** What a configuration file may hold for it. */
  readonly value: ValueForm;
}

function flag<T>(form: string, help: string, parse: (text: string) => T, value: ValueForm = TEXT): ValueFlag<T> {
  return { form, help, parse, value };
}

function on(form: string, help: string): ValueFlag<boolean> {
  return flag(form, help, (text) => oneOf(text, ["true", "false"]) === "true", SWITCH);
}

function whole(form: string, help: string, least: 0 | 1): ValueFlag<number> {
  return flag(form, help, wholeNumber(least), wholeForm(least));
}

function choice<const T extends string>(form: string, help: string, names: readonly T[]): ValueFlag<T> {
  return flag(form, help, (text) => oneOf(text, names), choiceForm(names));
}

const text = (value: string): string => value;
const list = (value: string): readonly string[] => value.split(",").map((part) => part.trim());

/** By the name that commands use. Switches have no `<value>` in their form. */
export const FLAGS = {
  devices: flag("-d, --devices <list>", "4, or kinds, speeds, memory: 4xcpu:2GiB,1xcpu*0.5", parseDevices, LIST),
  link: flag("--link <rate,latency>", "links: 10GB/s,20us for all; then 0-1=1GB/s for a pair", parseLinks, MAP),
  microbatches: whole("-m, --microbatches <n>", "parts of a batch that go through the pipeline", 1),
  batch: whole("--batch <n>", "samples of a step: microbatches times the size of one; any two give the third", 1),
  microbatchSize: whole("--microbatch-size <n>", "samples of a microbatch: binds the batch dimension", 1),
  stagesPerDevice: whole("--stages-per-device <n>", "stages that each device holds", 1),
  schedule: flag("-s, --schedule <name>", "auto, or a name that `pipewright schedule` lists", text),
  recompute: choice(
    "--recompute <which>",
    "run forward passes again to save memory: none, auto, all; searched by --schedule auto, else none",
    ["none", "auto", "all"],
  ),
  window: whole("--window <n>", "most microbatches in flight, for windowed-1f1b", 1),
  bind: flag("-b, --bind <dim=size>", "sizes of symbolic dimensions: batch=4,sequence=128", parseBind, MAP),
  inputShape: flag(
    "--input-shape <name=sizes>",
    "shape of an input that has none: image=1,3,224,224",
    parseInputShapes,
    LIST,
  ),
  limit: flag("--limit <name=value>", "raises a limit on models: nodes=2000000", parseLimits, MAP),
  loss: flag(
    "--loss <spec>",
    "softmax-cross-entropy:logits=labels, mse, bce-with-logits, output:NAME; may be repeated",
    parseLosses,
    LIST,
  ),
  optimizer: flag(
    "--optimizer <spec>",
    "sgd:lr=0.1,momentum=0.9 or adamw:lr=1e-3,weight-decay=0.01",
    parseOptimizer,
    MAP,
  ),
  lrSchedule: flag("--lr-schedule <spec>", "linear, constant, cosine:warmup=100,min=0.1", parseLearningRate, MAP),
  paramGroup: flag(
    "--param-group <spec>",
    "own settings: @vectors:weight-decay=0; repeatable",
    parseParameterGroups,
    LIST,
  ),
  clipNorm: flag("--clip-norm <n>", "largest norm of all gradients together", parsePositive, NUMBER),
  trainable: flag("--trainable <patterns>", "parameters to train: encoder.*,head.*,!*.bias", list, LIST),
  batchNorm: choice<BatchNormMode | "model">(
    "--batch-norm <mode>",
    "statistics: model (as exported), train or frozen",
    ["model", "train", "frozen"],
  ),
  gap: flag("--gap <share>", "stop the solver when this close to the bound: 1%", parseShare, NUMBER),
  timeLimit: flag("--time-limit <time>", "30s of search, profiling apart: best so far", parseDurationMs, NUMBER),
  method: choice(
    "--method <name>",
    `how to cut: ${PARTITION_METHODS.join(", ")}; the last three cut as those tools do`,
    PARTITION_METHODS,
  ),
  optimize: choice("--optimize <goal>", "speed or memory: what --method smp balances (memory)", ["speed", "memory"]),
  memoryWeight: flag("--memory-weight <w>", "0 to 1, for --method smp (speed: 0.2, memory: 0.8)", parseWeight, NUMBER),
  pin: flag("--pin <nodes=stage>", "nodes to keep on a stage: encoder.*=0,head.*=1", parsePins, MAP),
  together: flag("--together <nodes>", "nodes to keep on one stage: embed,encoder.*; groups joined by ;", parseGroups),
  uncut: flag("--uncut <tensors>", "tensors that must not cross between stages: encoder.*", parsePatterns, LIST),
  maxInFlight: whole("--max-in-flight <n>", "most microbatches that a stage may keep at once", 1),
  profile: flag("--profile <file>", "costs that `pipewright profile` wrote", text),
  analytic: on("--analytic", "estimate costs instead of measuring them; reproducible everywhere"),
  repeat: whole("--repeat <n>", "runs per measurement; their median counts", 1),
  costs: flag(
    "--costs <f,i,w[,send]>",
    "ms of F, I, W and of a message, for every stage: 1,1,1,0.1; or a JSON file with a number for each",
    parseCosts,
    LIST,
  ),
  memory: flag("--memory <n>", "most activations that a device keeps", parsePositive, NUMBER),
  placement: choice<PlacementKind>(
    "--placement <kind>",
    "where searched stages lie: looped, or wave, which for two is a V",
    ["looped", "wave"],
  ),
  grid: on("--grid", "show every action, however wide"),
  csv: flag("--csv <file>", "write the schedule for PyTorch", text),
  comms: on("--comms", "write messages and reduces into the CSV as well (PyTorch's compute_comms)"),
  svg: flag("--svg <file>", "write the timeline as a picture", text),
  trace: flag("--trace <file>", "write the timeline for ui.perfetto.dev and chrome://tracing", text),
  check: flag("--check <file>", "check a schedule that PyTorch or pipewright wrote as CSV", text),
  data: flag(
    "--data <source>",
    "synthetic, FILE, INPUT=FILE,… (npy, npz, safetensors, csv, idx, parquet) or MODULE.mjs",
    text,
    MAP,
  ),
  shuffle: on("--no-shuffle", "take the samples in the order of the file"),
  steps: whole("--steps <n>", "optimizer steps to run", 1),
  prefetch: whole("--prefetch <n>", "steps whose samples are read ahead (2)", 1),
  checkpointEvery: whole("--checkpoint-every <n>", "steps from one checkpoint to the next (only when stopped)", 1),
  checkpointDir: flag(
    "--checkpoint-dir <path>",
    "where checkpoints are kept (beside the plan: PLAN.checkpoints)",
    text,
  ),
  keep: whole("--keep <n>", "newest checkpoints to keep (2)", 1),
  resume: flag("--resume <where>", "auto: the newest checkpoint, or the begin; or the path of one", text),
  restarts: whole("--restarts <n>", "lost workers to replace before giving up (0)", 0),
  hangTimeout: flag(
    "--hang-timeout <time>",
    "how long a worker may stand still: 60s (5min, or 20 steps)",
    parseDurationMs,
    NUMBER,
  ),
  seed: whole("--seed <n>", "seed of samples, random layers and searches", 0),
  target: choice("--target <kind>", "onnx: model with a stage on every node, stage graphs; torch: for torchrun", [
    "onnx",
    "torch",
  ]),
  print: on("--print", "show every value and where it came from"),
  out: flag("-o, --out <path>", "where to write", text),
} as const satisfies Record<string, ValueFlag<unknown>>;

export type FlagName = keyof typeof FLAGS;

/** Flags that shape a plan. A finished plan has them in it. */
export const PLANNING_FLAGS: readonly FlagName[] = [
  "devices",
  "link",
  "microbatches",
  "batch",
  "microbatchSize",
  "stagesPerDevice",
  "schedule",
  "recompute",
  "window",
  "bind",
  "inputShape",
  "limit",
  "loss",
  "optimizer",
  "lrSchedule",
  "paramGroup",
  "clipNorm",
  "trainable",
  "batchNorm",
  "gap",
  "timeLimit",
  "profile",
  "analytic",
];

/** What joins the values of a flag that is given twice, or as a list. For the other flags the last one counts. */
export const JOINTS: { readonly [K in FlagName]?: string } = {
  bind: ",",
  limit: ",",
  trainable: ",",
  data: ",",
  loss: ";",
  inputShape: ";",
  paramGroup: ";",
};

/** What a command gets: the flags that were given, read. */
export type FlagValues = { readonly [K in FlagName]?: ReturnType<(typeof FLAGS)[K]["parse"]> };

/** Values of `--color`. */
export const COLOR_MODES = ["auto", "always", "never"] as const;
/** Values of `--log-format`. */
export const LOG_FORMATS = ["text", "ndjson"] as const;

/** Flags that every command has. `--help` and `--version` come with them. */
export const COMMON_FLAGS = {
  json: { form: "--json", help: "print one JSON document" },
  quiet: { form: "-q, --quiet", help: "no progress on stderr" },
  verbose: { form: "-v, --verbose", help: "more of it: what the solver finds and tries, lines for steps" },
  logFormat: { form: "--log-format <kind>", help: "text, or ndjson: one JSON object a line on stderr" },
  color: { form: "--color <when>", help: "auto, always or never; NO_COLOR and FORCE_COLOR in the environment" },
  noColor: { form: "--no-color", help: "the same as --color never" },
  config: { form: "-c, --config <file>", help: "flags from a YAML or JSON file" },
  set: { form: "--set <flag=value>", help: "one flag, as the file would set it" },
} as const;

/** "stages-per-device" of `stagesPerDevice`: the long name without dashes. A switch that starts with no- loses that. */
export function longName(name: FlagName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
