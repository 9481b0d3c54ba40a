/** @file The shell around the commands: arguments in, one document out, errors as messages and exit codes. */
import { Command, CommanderError } from "commander";
import { EXIT_INTERNAL, PipewrightError } from "../../compiler/errors.js";
import type { Env } from "../env/env.js";
import type { CommandSpec, Context, Outcome } from "./command.js";
import type { GivenFlag } from "./config.js";
import { environmentFlags, givenFlags, readConfig, readFlags, setFlags } from "./config.js";
import type { FlagName } from "./flags.js";
import { COMMON_FLAGS, FLAGS, JOINTS, longName } from "./flags.js";
import type { Progress } from "./progress.js";
import { SILENT, TerminalProgress } from "./progress.js";
import type { Terminal } from "./terminal.js";
import { paint } from "./terminal.js";

/** What the shell runs in. */
export interface Shell {
  readonly terminal: Terminal;
  readonly version: string;
  /** Variables of the environment. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Made when a command starts, not for `--help`. */
  readonly makeEnv: () => Promise<Env>;
  /** Aborted with the signal's name as reason by the first interrupt. */
  readonly signal: AbortSignal;
}

/** Flags that every command has, as commander gives them. */
interface CommonValues {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color?: boolean;
  readonly config?: string;
  readonly set?: readonly string[];
}

const SIGNAL_EXIT_CODES: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };
const DESCRIPTION =
  "Pipeline-parallel training from a plain ONNX file: profile, partition with a proof, schedule, train.";
const ROOT_EXAMPLES = [
  "demo",
  "partition model.onnx --devices 4 --loss softmax-cross-entropy:logits=labels -o plan",
  "train plan --data train.npz --steps 1000 -o trained.onnx",
];

/** Runs one command line and gives its exit code. `words` are the arguments after the program's name. */
export async function runProgram(
  words: readonly string[],
  commands: readonly CommandSpec[],
  shell: Shell,
): Promise<number> {
  const run: { json: boolean; progress: Progress; exitCode: number } = { json: false, progress: SILENT, exitCode: 0 };
  const program = base(new Command("pipewright"), shell, ROOT_EXAMPLES);
  program.description(DESCRIPTION).version(shell.version);
  for (const spec of commands) {
    const command = base(program.command(spec.name), shell, spec.examples).description(spec.summary);
    for (const name of [spec.argument, spec.second]) if (name) command.argument(`<${name}>`);
    for (const name of spec.flags) command.option(FLAGS[name].form, FLAGS[name].help, repeated(name));
    const { json, quiet, color, config, set } = COMMON_FLAGS;
    for (const { form, help } of [json, quiet, color, config]) command.option(form, help);
    command.option(set.form, set.help, (value: string, before: readonly string[] = []) => [...before, value]);
    command.action(async () => {
      const common = command.opts<CommonValues>();
      run.json = common.json ?? false;
      const outcome = await runCommand(spec, command, commands, common, shell, (progress) => {
        run.progress = progress;
      });
      run.progress.clear();
      shell.terminal.write(run.json ? `${JSON.stringify(outcome.json)}\n` : outcome.text);
      run.exitCode = outcome.exitCode ?? 0;
    });
  }
  run.json = words.includes("--json");
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    run.progress.clear();
    run.exitCode = showError(error, run.json, shell);
  }
  const interrupted = shell.signal.aborted ? SIGNAL_EXIT_CODES[String(shell.signal.reason)] : undefined;
  return run.exitCode === 0 ? (interrupted ?? 0) : run.exitCode;
}

async function runCommand(
  spec: CommandSpec,
  command: Command,
  commands: readonly CommandSpec[],
  common: CommonValues,
  shell: Shell,
  onProgress: (progress: Progress) => void,
): Promise<Outcome> {
  const body = await spec.load();
  const env = await shell.makeEnv();
  const sources = [
    common.config === undefined ? new Map<FlagName, GivenFlag>() : await readConfig(env.files, common.config),
    environmentFlags(shell.variables),
    setFlags(common.set ?? []),
    commandLineFlags(spec, command),
  ];
  const { terminal } = shell;
  const context: Context = {
    env,
    version: shell.version,
    commands,
    others: command.args.slice(1),
    given: givenFlags(sources, spec.flags),
    signal: shell.signal,
    columns: terminal.columns,
    color: terminal.color && common.color !== false,
    progress: (names) => {
      const progress = common.quiet ? SILENT : new TerminalProgress(terminal, env.clock, names);
      onProgress(progress);
      return progress;
    },
  };
  return body(context, command.args[0] ?? "", readFlags(sources, spec.flags));
}

function base(command: Command, { terminal }: Shell, examples: readonly string[]): Command {
  return command
    .exitOverride()
    .configureOutput({
      writeOut: terminal.write,
      writeErr: terminal.note,
      outputError: () => {},
      getOutHelpWidth: () => terminal.columns,
      getErrHelpWidth: () => terminal.columns,
    })
    .helpOption("-h, --help", "show this")
    .helpCommand(false)
    .addHelpText("before", `Examples:\n${examples.map((line) => `  pipewright ${line}\n`).join("")}`);
}

function repeated(name: FlagName): (value: string, before?: string) => string {
  const joint = JOINTS[name];
  return (value, before) => (before !== undefined && joint ? `${before}${joint}${value}` : value);
}

function commandLineFlags({ flags }: CommandSpec, command: Command): ReadonlyMap<FlagName, GivenFlag> {
  const given = new Map<FlagName, GivenFlag>();
  for (const name of flags) {
    if (command.getOptionValueSource(name) !== "cli") continue;
    given.set(name, { text: String(command.getOptionValue(name)), source: `--${longName(name)}` });
  }
  return given;
}

/** Prints an error in the form that was asked for and gives its exit code. */
function showError(error: unknown, json: boolean, { terminal, signal }: Shell): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (error.code === "commander.help") return new PipewrightError("USAGE", "").exitCode;
    return showError(new PipewrightError("USAGE", sentence(error.message)), json, { terminal, signal } as Shell);
  }
  if (signal.aborted && !(error instanceof PipewrightError)) return EXIT_INTERNAL;
  const known = error instanceof PipewrightError;
  const exitCode = known ? error.exitCode : EXIT_INTERNAL;
  const message = error instanceof Error ? error.message : String(error);
  if (json) {
    const details = known ? error.details : {};
    terminal.write(
      `${JSON.stringify({ error: { code: known ? error.code : "INTERNAL", exitCode, message, details } })}\n`,
    );
  }
  const head = paint(terminal.color && terminal.isInteractive, "red", "error:");
  const stack =
    !known && error instanceof Error ? `${error.stack}\nThis is a bug of pipewright; please report it.` : message;
  terminal.note(`${head} ${stack}\n`);
  return exitCode;
}

/** Commander's message as one sentence: "error: unknown option '--x'\n(Did you mean --y?)". */
function sentence(message: string): string {
  const [first = "", hint] = message.replace(/^error: /, "").split("\n");
  const closed = first.endsWith(".") ? first : `${first}.`;
  return hint ? `${closed} ${hint.replace(/^\(|\)$/g, "")}` : closed;
}
