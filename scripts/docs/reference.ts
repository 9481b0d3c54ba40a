/** @file The reference pages, made from the command line and the flags themselves. */
import { COMMANDS } from "../../runtime/cli/commands/table.js";
import { DEFAULTS } from "../../runtime/cli/defaults.js";
import type { FlagName } from "../../runtime/cli/flags.js";
import { COMMON_FLAGS, FLAGS, longName } from "../../runtime/cli/flags.js";
import type { FixedName } from "../../runtime/cli/foreign-names.js";
import { DEEPSPEED_FLAGS, SMP_FIXED, SMP_FLAGS } from "../../runtime/cli/foreign-names.js";
import { runProgram } from "../../runtime/cli/program.js";
import type { ValueForm } from "../../runtime/cli/value-form.js";
import { EXIT_CODE } from "../../compiler/errors.js";

const NOTICE = "Written by `npm run make:docs`; a test compares. Change the flags, not this page.";
const DEFAULT_OF: { readonly [K in FlagName]?: string } = DEFAULTS;

/** docs/reference/commands.md. */
export async function commandReference(): Promise<string> {
  const parts = await Promise.all(COMMANDS.map(({ name, summary, examples }) => commandPart(name, summary, examples)));
  const common = Object.values(COMMON_FLAGS).map(({ form, help }) => [code(form), help]);
  return [
    "# Commands",
    "",
    NOTICE,
    "",
    "Results go to standard output, progress and errors to standard error. The examples run one after another in a folder with",
    "a model `model.onnx` and samples `train.npz`.",
    "",
    "## Flags of every command",
    "",
    table(["flag", "does"], common),
    "",
    ...parts,
    "## Exit codes",
    "",
    table(["code", "errors"], exitCodes()),
    "",
    "130 and 143 say that a signal stopped the run after a clean checkpoint, 70 that pipewright itself has a bug. With `--json`",
    "an error is one document, `{error: {code, exitCode, message, details}}`.",
    "",
  ].join("\n");
}

async function commandPart(name: string, summary: string, examples: readonly string[]): Promise<string> {
  const help = await helpOf(name);
  const rest = help.slice(help.indexOf("Usage:")).replace(/\nAlso: [^]*$/, "");
  const commands = examples.map((example) => `pipewright ${example}`).join("\n");
  return `## ${name}\n\n${summary[0]!.toUpperCase()}${summary.slice(1)}.\n\n\`\`\`sh\n${commands}\n\`\`\`\n\n\`\`\`text\n${rest.trim()}\n\`\`\`\n`;
}

async function helpOf(name: string): Promise<string> {
  let text = "";
  const write = (part: string) => void (text += part);
  await runProgram([name, "--help"], COMMANDS, {
    terminal: { write, note: write, isInteractive: false, color: false, columns: 100 },
    version: "",
    variables: {},
    makeEnv: () => Promise.reject(new Error("internal: help needs no environment")),
    signal: new AbortController().signal,
  });
  return text;
}

function exitCodes(): readonly (readonly string[])[] {
  const byCode = new Map<number, string[]>([[0, ["none"]]]);
  for (const [name, exit] of Object.entries(EXIT_CODE)) byCode.set(exit, [...(byCode.get(exit) ?? []), name]);
  return [...byCode].sort(([a], [b]) => a - b).map(([exit, names]) => [String(exit), names.join(", ")]);
}

/** docs/reference/configuration.md. */
export function configurationReference(): string {
  const flags = (Object.keys(FLAGS) as FlagName[]).map((name) => [
    code(longName(name)),
    formText(FLAGS[name].value),
    FLAGS[name].help,
    DEFAULT_OF[name] ?? "",
  ]);
  return [
    "# Configuration",
    "",
    NOTICE,
    "",
    "A file for `--config` is YAML or JSON: one map from names to values. The same names work as `--set NAME=VALUE` and as",
    "variables `PIPEWRIGHT_NAME`. What counts is the last of: file, variable, `--set`, flag. A name may be spelled",
    "`stages-per-device`, `stagesPerDevice` or `stages_per_device`. A file may hold names that a command does not use.",
    "`$schema: ./node_modules/pipewright/schema/config.v1.json` tells editors what may stand in it.",
    "",
    table(["name", "value", "does", "when left out"], flags),
    "",
    "Quantities take units: bytes `2GiB` or `512MB`, times `20us`, `1.5ms`, `30s`, `5min`, rates `10GB/s`, shares `1%`.",
    "",
    "## SageMaker's dictionary",
    "",
    "`smp` takes the parameters of SageMaker's model parallelism. What it leaves out is chosen here, not as SageMaker would.",
    "`optimize` and `memory_weight` choose `method: smp`, SageMaker's own way to cut; `active_microbatches` alone chooses its",
    "schedule, `interleaved`. The parameters that are flags may stand outside `smp` too.",
    "",
    table(
      ["parameter", "is here"],
      Object.entries(SMP_FLAGS).map(([name, flag]) => [code(name), code(longName(flag))]),
    ),
    "",
    "These are understood; other values of them are refused with the reason:",
    "",
    table(["parameter", "accepted", "because"], Object.entries(SMP_FIXED).map(fixedRow)),
    "",
    "## DeepSpeed's names",
    "",
    "`train_batch_size` = `train_micro_batch_size_per_gpu` × `gradient_accumulation_steps` × replicas, and a pipeline is one",
    "replica. Any two give the third; three that contradict each other are refused with the numbers. `auto` is the same as",
    "leaving a number out.",
    "",
    table(
      ["name", "is here"],
      Object.entries(DEEPSPEED_FLAGS).map(([name, flag]) => [code(name), code(longName(flag))]),
    ),
    "",
  ].join("\n");
}

function fixedRow([name, { accepts, reason }]: [string, FixedName]): readonly string[] {
  return [code(name), accepts.length === 0 ? "nothing" : accepts.map(code).join(", "), reason];
}

/** What may stand in a file, in a few words. */
function formText(form: ValueForm): string {
  if (Array.isArray(form["enum"])) {
    const values = form["enum"].filter((value) => typeof value !== "string" || !["true", "false"].includes(value));
    return values.map((value) => code(String(value))).join(", ");
  }
  const names: Readonly<Record<string, string>> = {
    string: "text",
    array: "list",
    object: "map",
    integer: "whole number",
  };
  const types = [form["type"]].flat().map(String);
  const shown = types.includes("integer") ? ["integer"] : types.filter((type) => type !== "number" || types.length < 3);
  return shown.map((type) => names[type] ?? type).join(", ");
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
