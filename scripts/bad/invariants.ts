/**
 * @file What must hold for every input, however bad: eight invariants and the verdict.
 *
 * I1 an exit code of the table; I2 one error that names file and element; I3 nothing written, nothing opened outside the
 * model's folder; I4 time; I5 memory; I6 no child, thread or connection, nothing left running; I7 the same text twice;
 * I8 the same verdict and text through the library.
 */
import type { CommandRun } from "./run-command.js";

/** One entry of the manifest. */
export interface BadCase {
  readonly id: string;
  readonly group: string;
  readonly expect: "accept" | "reject" | "either";
}

/** Everything that was observed of one case. */
export interface Observed {
  readonly path: string;
  readonly folder: string;
  /** Bytes of all files in the folder. */
  readonly bytes: number;
  /** The model file as Latin-1, to look names up in. */
  readonly content: string;
  readonly withJson: CommandRun;
  readonly plain: CommandRun;
  /** What the library said: "" for accepted, else the message. */
  readonly library: string;
  /** What changed on disk. */
  readonly changes: readonly string[];
  /** Folders besides the model's that hold the program itself. */
  readonly own: readonly string[];
}

const REJECTED = new Set([3, 4, 5, 6]);
const MIB = 2 ** 20;
/** Memory besides three times the input: graphs of 50,000 nodes are legal, refusing costs less. */
const REJECTED_BYTES = 150 * MIB;
const ACCEPTED_BYTES = 200e6;

/** What is wrong, one line each; nothing when all holds. */
export function violations(badCase: BadCase, seen: Observed): readonly string[] {
  const { withJson, plain } = seen;
  const found: string[] = [];
  const check = (name: string, holds: boolean, what: string): void => void (holds || found.push(`${name}: ${what}`));
  const accepted = withJson.exitCode === 0;

  check("verdict", badCase.expect === "either" || accepted === (badCase.expect === "accept"), verdictText(seen));
  for (const run of [withJson, plain]) {
    const known = run.signal === null && (run.exitCode === 0 || REJECTED.has(run.exitCode ?? -1));
    check("I1", known, `exit code ${run.exitCode}, signal ${run.signal}`);
  }
  if (!accepted) for (const what of badErrors(badCase, seen)) check("I2", false, what);
  check("I3", seen.changes.length === 0, seen.changes.join(", "));
  const outside = (withJson.seen?.opened ?? []).filter((path) => !isInside(path, [seen.folder, ...seen.own]));
  check("I3", outside.length === 0, `opened ${outside.slice(0, 3).join(", ")}`);
  const limitMs = seen.bytes <= MIB ? 2_000 : 10_000;
  const ms = Math.min(withJson.ms, plain.ms);
  check("I4", ms <= limitMs, `${ms.toFixed(0)} ms, expected at most ${limitMs}`);
  const limitBytes = (accepted ? ACCEPTED_BYTES : REJECTED_BYTES) + 3 * seen.bytes;
  const peakBytes = Math.min(withJson.seen?.peakBytes ?? Infinity, plain.seen?.peakBytes ?? Infinity);
  check(
    "I5",
    peakBytes <= limitBytes,
    `${(peakBytes / MIB).toFixed(0)} MiB, expected at most ${(limitBytes / MIB).toFixed(0)}`,
  );
  const left = [...(withJson.seen?.forbidden ?? []), ...(withJson.seen?.active ?? [])];
  check("I6", left.length === 0, left.join(", "));
  check("I7", withJson.stderr === plain.stderr, "another text the second time");
  check("I8", seen.library === messageOf(withJson), `the library says ${seen.library || "nothing"}`);
  return found;
}

/** True for a file in one of the folders, and for the executable, which finds out what it is. */
function isInside(path: string, folders: readonly string[]): boolean {
  return path === process.execPath || folders.some((folder) => path.startsWith(`${folder}/`));
}

/** The message of the JSON error; "" when there is none. */
function messageOf({ stdout }: CommandRun): string {
  try {
    return (JSON.parse(stdout) as { error?: { message: string } }).error?.message ?? "";
  } catch {
    return "";
  }
}

function verdictText({ withJson }: Observed): string {
  return withJson.exitCode === 0 ? "accepted" : messageOf(withJson).slice(0, 200) || `exit code ${withJson.exitCode}`;
}

function badErrors({ group }: BadCase, { path, content, withJson }: Observed): readonly string[] {
  const message = messageOf(withJson);
  const found: string[] = [];
  if (withJson.stderr.split("error:").length !== 2) found.push("stderr does not hold exactly one error");
  if (withJson.stderr !== `error: ${message}\n`) found.push("stderr and the JSON document differ");
  if (!message.startsWith(path)) found.push("the error does not name the file");
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(message))
    found.push("it is not escaped");
  if (!/[.:;]\s/.test(message)) found.push("it gives no reason");
  if (!namesCulprit(group, message.slice(path.length), content)) found.push(`no culprit in: ${message.slice(0, 200)}`);
  return found;
}

/** Parts of a model that are named by what they are. */
const BY_FIELD =
  /at byte \d+|no ONNX model|graph\b.*(given twice|cycle|no )|operator set|imports \S+ at version|ir_version|training information/;
const BY_NAME =
  /(?<=\b(?:node|initializer|input|output|value|function|parameter|attribute|of|dim)s? "?)[^\s",;:()[\]]+/g;
/** An entry of a list of nodes: name and operator. */
const BY_ENTRY = /(?<=\n {2})\S+(?= \()/g;
const BY_PLACE = /graph\.\w+\[\d+\]|external data "/;

/** True when the message names an element that is in the file, or the place in the file. */
function namesCulprit(group: string, message: string, content: string): boolean {
  if (BY_FIELD.test(message) || BY_PLACE.test(message)) return true;
  if (group === "wire" && /nesting of|number of/.test(message)) return true;
  if (/^: number of (nodes|functions|messages)/.test(message)) return true;
  return [BY_NAME, BY_ENTRY].some((named) => message.match(named)?.some((name) => content.includes(inFile(name))));
}

/** A name as the file has it: without the escapes of messages, in UTF-8. */
function inFile(name: string): string {
  const plain = name.replace(/\\u([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  const lines = plain.replaceAll("\\n", "\n").replaceAll("\\r", "\r").replaceAll("\\t", "\t");
  return Buffer.from(lines, "utf8").toString("latin1");
}
