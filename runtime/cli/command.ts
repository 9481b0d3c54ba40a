/** @file What a command is: a name, flags, examples, and a body that turns them into a result.. */
import type { Env } from "../env/env.js";
import type { GivenFlags } from "./config.js";
import type { FlagName, FlagValues } from "./flags.js";
import type { Progress } from "./progress.js";

/** What a command gives back. The shell prints `text`, or `json` under `--json`. */
export interface Outcome {
  /** One JSON document. */
  readonly json: object;
  /** The same for people, ending in a newline. */
  readonly text: string;
  /** Left out: 0. */
  readonly exitCode?: number;
}

/** What a body has to work with. */
export interface Context {
  readonly env: Env;
  /** Of pipewright. */
  readonly version: string;
  /** All commands, for those that are about commands. */
  readonly commands: readonly CommandSpec[];
  /** Arguments after the first. */
  readonly others: readonly string[];
  /** The text of every flag of the command that was given, from where it counts. */
  readonly given: GivenFlags;
  /** The flags that the command has. */
  readonly wanted: readonly FlagName[];
  /** Aborted by the first interrupt: stop at the next safe point. */
  readonly signal: AbortSignal;
  /** Width of `text` in columns. */
  readonly columns: number;
  /** `text` may hold colours. */
  readonly color: boolean;
  /** Progress over the named phases. */
  readonly progress: (phases: readonly string[]) => Progress;
}

/** The work of a command. `argument` is set if the command has one. */
export type CommandBody = (context: Context, argument: string, flags: FlagValues) => Promise<Outcome>;

/** A command of the command line. */
export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** Name of the one argument, such as "model.onnx". Left out: there is none. */
  readonly argument?: string;
  /** Name of a second one. */
  readonly second?: string;
  readonly flags: readonly FlagName[];
  /** true: it takes the flags of other commands, and its help does not list them again. */
  readonly hidesFlags?: true;
  /** Three, without the program's name. */
  readonly examples: readonly [string, string, string];
  /** Loads the body only when it is called, so that `--help` stays fast. */
  readonly load: () => Promise<CommandBody>;
}
