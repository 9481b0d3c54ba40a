/** @file `completion`: what a shell needs to complete commands, flags and files. */
import { PipewrightError } from "../../../compiler/errors.js";
import { SEARCHED_SCHEDULES } from "../../../compiler/planning/candidate.js";
import { SCHEDULES } from "../../../compiler/schedule/registry.js";
import type { CommandBody, CommandSpec } from "../command.js";
import type { FlagName } from "../flags.js";
import { COLOR_MODES, COMMON_FLAGS, FLAGS, LOG_FORMATS } from "../flags.js";

const SHELLS = { bash, zsh, fish } as const;

/** Requires: the argument is a shell that we know. */
export const completion: CommandBody = async ({ commands }, shell) => {
  if (!Object.hasOwn(SHELLS, shell)) {
    throw new PipewrightError(
      "USAGE",
      `completion: cannot write for "${shell}"; expected one of ${Object.keys(SHELLS).join(", ")}.`,
    );
  }
  const script = SHELLS[shell as keyof typeof SHELLS](commands);
  return { json: { shell, script }, text: script };
};

/** "--devices" and "-d" of "-d, --devices <list>". */
function words(form: string): readonly string[] {
  return form.split(/[ ,]+/).filter((word) => word.startsWith("-"));
}

/** A flag with the values that it can take, if they are few. */
interface CompletedFlag {
  readonly form: string;
  readonly help: string;
  readonly values: readonly string[];
}

function formsOf({ flags }: Pick<CommandSpec, "flags">): readonly CompletedFlag[] {
  const common = Object.values(COMMON_FLAGS).map((flag) => ({ ...flag, values: COMMON_VALUES[flag.form] ?? [] }));
  return [...flags.map((name) => ({ ...FLAGS[name], values: valuesOf(name) })), ...common];
}

const COMMON_VALUES: Readonly<Record<string, readonly string[]>> = {
  [COMMON_FLAGS.color.form]: COLOR_MODES,
  [COMMON_FLAGS.logFormat.form]: LOG_FORMATS,
};

function valuesOf(name: FlagName): readonly string[] {
  if (name === "schedule") return ["auto", ...SEARCHED_SCHEDULES, ...SCHEDULES.map((schedule) => schedule.name)];
  const { form, value } = FLAGS[name];
  return form.includes("<") && Array.isArray(value["enum"]) ? value["enum"].map(String) : [];
}

function bash(commands: readonly CommandSpec[]): string {
  const cases = commands.map(
    (command) =>
      `    ${command.name}) words="${formsOf(command)
        .flatMap(({ form }) => words(form))
        .join(" ")}" ;;`,
  );
  const values = formsOf({ flags: Object.keys(FLAGS) as FlagName[] })
    .filter((flag) => flag.values.length > 0)
    .map(
      (flag) =>
        `    ${words(flag.form).join("|")}) COMPREPLY=($(compgen -W "${flag.values.join(" ")}" -- "$word")); return ;;`,
    );
  return `# bash completion of pipewright: source <(pipewright completion bash)
_pipewright() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")}" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
${values.join("\n")}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -o filenames -F _pipewright pipewright
`;
}

function zsh(commands: readonly CommandSpec[]): string {
  const quoted = (text: string): string => text.replaceAll("'", "'\\''").replaceAll(":", "\\:");
  const list = commands.map(({ name, summary }) => `    '${name}:${quoted(summary)}'`);
  const cases = commands.map((command) => {
    const flags = formsOf(command).flatMap(({ form, help }) => words(form).map((word) => `'${word}:${quoted(help)}'`));
    return `    ${command.name}) flags=(${flags.join(" ")}) ;;`;
  });
  return `#compdef pipewright
# zsh completion of pipewright: source <(pipewright completion zsh)
_pipewright() {
  local -a commands flags
  commands=(
${list.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "$words[2]" in
${cases.join("\n")}
  esac
  if [[ "$PREFIX" == -* ]]; then _describe flag flags; else _files; fi
}
compdef _pipewright pipewright
`;
}

function fish(commands: readonly CommandSpec[]): string {
  const quoted = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
  const lines = commands.flatMap((command) => [
    `complete -c pipewright -n __fish_use_subcommand -f -a ${command.name} -d '${quoted(command.summary)}'`,
    ...formsOf(command).map(({ form, help, values }) => {
      const names = words(form).map((word) => (word.startsWith("--") ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`));
      const choice = values.length > 0 ? ` -f -a '${values.join(" ")}'` : "";
      const value = form.includes("<") ? ` -r${choice}` : "";
      return `complete -c pipewright -n '__fish_seen_subcommand_from ${command.name}' ${names.join(" ")}${value} -d '${quoted(help)}'`;
    }),
  ]);
  return `# fish completion of pipewright: pipewright completion fish | source\n${lines.join("\n")}\n`;
}
