/** @file `completion`: what a shell needs to complete commands, flags and files. */
import { PipewrightError } from "../../../compiler/errors.js";
import type { CommandBody, CommandSpec } from "../command.js";
import { COMMON_FLAGS, FLAGS } from "../flags.js";

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

function formsOf({ flags }: CommandSpec): readonly { readonly form: string; readonly help: string }[] {
  return [...flags.map((name) => FLAGS[name]), ...Object.values(COMMON_FLAGS)];
}

function bash(commands: readonly CommandSpec[]): string {
  const cases = commands.map(
    (command) =>
      `    ${command.name}) words="${formsOf(command)
        .flatMap(({ form }) => words(form))
        .join(" ")}" ;;`,
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
    ...formsOf(command).map(({ form, help }) => {
      const names = words(form).map((word) => (word.startsWith("--") ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`));
      const value = form.includes("<") ? " -r" : "";
      return `complete -c pipewright -n '__fish_seen_subcommand_from ${command.name}' ${names.join(" ")}${value} -d '${quoted(help)}'`;
    }),
  ]);
  return `# fish completion of pipewright: pipewright completion fish | source\n${lines.join("\n")}\n`;
}
