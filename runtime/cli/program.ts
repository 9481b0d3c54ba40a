/** @file The shell around the commands: arguments in, one document out, errors as messages and exit codes. */
import { Command, CommanderError } from "commander";
import { EXIT_CODE, EXIT_INTERNAL, PipewrightError } from "../../compiler/errors.js";
import type { Env } from "../env/env.js";
import type { CommandSpec, Context, Outcome } from "./command.js";
import type { GivenFlag } from "./config.js";
import { environmentFlags, strayVariables, givenFlags, readFlags, setFlags } from "./config.js";
import { readConfig } from "./config-file.js";
import type { FlagName } from "./flags.js";
import { COLOR_MODES, COMMON_FLAGS, FLAGS, JOINTS, LOG_FORMATS, longName } from "./flags.js";
import { EventLog, EventProgress } from "./event-progress.js";
import { oneOf } from "./parse/text.js";
import type { Progress } from "./progress.js";
import { SILENT } from "./progress.js";
import { renderList } from "./render/table.js";
import { TerminalProgress } from "./terminal-progress.js";
import type { Terminal } from "./terminal.js";
import { guarded, paint } from "./terminal.js";

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
  readonly verbose?: boolean;
  readonly logFormat?: string;
  /** Of `--color`; false of `--no-color`. */
  readonly color?: string | false;
  readonly config?: string;
  readonly set?: readonly string[];
}

/** What of a run the shell needs when it ends. */
interface Run {
  json: boolean;
  exitCode: number;
  progress: Progress;
  /** Where events go instead of lines. */
  events: EventLog | undefined;
}

const SIGNAL_EXIT_CODES: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };
const DESCRIPTION =
  "Pipeline-parallel training from a plain ONNX file: profile, partition with a proof, schedule, train.";
const ROOT_EXAMPLES = [
  "demo",
  "partition model.onnx --bind batch=4 --loss softmax-cross-entropy:logits=labels -o plan",
  "train plan --data train.npz --steps 100 -o trained.onnx",
];

/** Runs one command line and gives its exit code. `words` are the arguments after the program's name. */
export async function runProgram(
  words: readonly string[],
  commands: readonly CommandSpec[],
  { terminal, ...others }: Shell,
): Promise<number> {
  const shell: Shell = { ...others, terminal: guarded(terminal) };
  const run: Run = { json: words.includes("--json"), exitCode: 0, progress: SILENT, events: undefined };
  const program = base(new Command("pipewright"), shell, ROOT_EXAMPLES);
  program.description(DESCRIPTION).version(shell.version);
  program.addHelpText("after", () => commonHelp(shell.terminal.columns));
  for (const spec of commands) {
    const command = base(program.command(spec.name), shell, spec.examples).description(spec.summary);
    for (const name of [spec.argument, spec.second]) if (name) command.argument(`<${name}>`);
    addFlags(command, spec);
    command.action(async () => {
      const outcome = await runCommand(spec, command, commands, shell, run);
      run.progress.clear();
      shell.terminal.write(run.json ? `${JSON.stringify(outcome.json)}\n` : outcome.text);
      run.exitCode = outcome.exitCode ?? 0;
    });
  }
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    run.progress.clear();
    run.exitCode = showError(error, run, shell);
  }
  const interrupted = shell.signal.aborted ? SIGNAL_EXIT_CODES[String(shell.signal.reason)] : undefined;
  const isStopped = run.exitCode === 0 || run.exitCode === EXIT_CODE.INTERRUPTED;
  const exitCode = isStopped ? (interrupted ?? run.exitCode) : run.exitCode;
  run.events?.event("exit", { exitCode });
  return exitCode;
}

/** Flags of the command, and those of all commands, which only the help of the program lists. */
function addFlags(command: Command, { flags, hidesFlags }: CommandSpec): void {
  for (const name of flags) {
    const option = command.createOption(FLAGS[name].form, FLAGS[name].help).argParser(repeated(name));
    command.addOption(hidesFlags && name !== "print" ? option.hideHelp() : option);
  }
  const { set, ...others } = COMMON_FLAGS;
  for (const { form, help } of Object.values(others)) command.addOption(command.createOption(form, help).hideHelp());
  const all = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  command.addOption(command.createOption(set.form, set.help).argParser(all).hideHelp());
  command.addHelpText("after", ALSO);
}

async function runCommand(
  spec: CommandSpec,
  command: Command,
  commands: readonly CommandSpec[],
  shell: Shell,
  run: Run,
): Promise<Outcome> {
  const common = command.opts<CommonValues>();
  const { terminal, version } = shell;
  run.json = common.json ?? false;
  const color = colorOf(common, terminal);
  const isEvents = common.logFormat !== undefined && logFormat(common.logFormat) === "ndjson";
  const body = await spec.load();
  const env = await shell.makeEnv();
  if (isEvents) run.events = new EventLog(terminal.note, env.clock, spec.name, version);
  for (const text of common.quiet ? [] : strayVariables(shell.variables)) {
    if (run.events) run.events.event("note", { text });
    else terminal.note(`${text}\n`);
  }
  const sources = [
    common.config === undefined ? new Map<FlagName, GivenFlag>() : await readConfig(env.files, common.config),
    environmentFlags(shell.variables),
    setFlags(common.set ?? []),
    commandLineFlags(spec, command),
  ];
  const progressOf = (names: readonly string[]): Progress => {
    const isVerbose = common.verbose ?? false;
    if (common.quiet) return SILENT;
    if (run.events) return new EventProgress(run.events, env.clock, names, isVerbose);
    return new TerminalProgress(terminal, env.clock, names, isVerbose);
  };
  const context: Context = {
    env,
    version,
    commands,
    others: command.args.slice(1),
    given: givenFlags(sources, spec.flags),
    wanted: spec.flags,
    signal: shell.signal,
    columns: terminal.columns,
    color,
    progress: (names) => (run.progress = progressOf(names)),
  };
  return body(context, command.args[0] ?? "", readFlags(sources, spec.flags));
}

const ALSO = "\nAlso: --json -q -v --log-format --color -c --set (see pipewright --help)\n";

/** The flags of all commands. */
function commonHelp(columns: number): string {
  const list = Object.values(COMMON_FLAGS).map(({ form, help }) => [`  ${form}`, help] as const);
  return `\nOptions of every command:\n${renderList(list, columns)}`;
}

/** @throws USAGE. */
function logFormat(text: string): (typeof LOG_FORMATS)[number] {
  return readCommon("--log-format", () => oneOf(text, LOG_FORMATS));
}

/** May results hold colours? @throws USAGE. */
function colorOf({ color }: CommonValues, terminal: Terminal): boolean {
  if (color === false) return false;
  const when = color === undefined ? "auto" : readCommon("--color", () => oneOf(color, COLOR_MODES));
  return when === "always" || (when === "auto" && terminal.color);
}

function readCommon<T>(flag: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new PipewrightError("USAGE", `${flag}: ${(error as Error).message}`);
  }
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
function showError(error: unknown, run: Pick<Run, "json" | "events">, shell: Shell): number {
  const { terminal, signal } = shell;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (error.code === "commander.help") return new PipewrightError("USAGE", "").exitCode;
    return showError(new PipewrightError("USAGE", sentence(error.message)), run, shell);
  }
  if (signal.aborted && !(error instanceof PipewrightError)) return EXIT_INTERNAL;
  const known = error instanceof PipewrightError;
  const exitCode = known ? error.exitCode : EXIT_INTERNAL;
  const message = error instanceof Error ? error.message : String(error);
  const facts = { code: known ? error.code : "INTERNAL", exitCode, message, details: known ? error.details : {} };
  if (run.json) terminal.write(`${JSON.stringify({ error: facts })}\n`);
  if (run.events) {
    run.events.event("error", facts);
    return exitCode;
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
