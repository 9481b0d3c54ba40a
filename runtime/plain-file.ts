/**
 * @file Files of a directory that somebody else may have filled, such as a plan: opened without following a link out of
 * it, so that no name in it leads elsewhere.
 */
import type { ErrorCode } from "../compiler/errors.js";
import { PipewrightError } from "../compiler/errors.js";
import type { ConfinedFile, Files } from "./env/env.js";

/**
 * Opens the file for as long as `use` runs.
 * @throws ARTEFACT_MISMATCH for a link, a pipe and whatever else is no plain file; FILE.
 */
export async function withPlainFile<T>(
  files: Files,
  directory: string,
  name: string,
  use: (file: ConfinedFile) => Promise<T>,
): Promise<T> {
  const file = await files.openConfined(directory, name);
  if ("refused" in file) {
    throw new PipewrightError(
      "ARTEFACT_MISMATCH",
      `${directory}/${name}: it is ${file.refused}; expected a plain file. Copy the whole directory again.`,
      { path: `${directory}/${name}` },
    );
  }
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** The whole file. @throws as `withPlainFile`; LIMIT_EXCEEDED past `mostBytes`, before anything is read. */
export function readPlainFile(
  files: Files,
  directory: string,
  name: string,
  mostBytes = Infinity,
): Promise<Uint8Array> {
  return withPlainFile(files, directory, name, (file) => {
    if (file.bytes > mostBytes) throw tooLarge(`${directory}/${name}`, file.bytes, mostBytes);
    return file.readRange(0, file.bytes);
  });
}

/** The whole file that a user names, wherever it is. @throws FILE; LIMIT_EXCEEDED past `mostBytes`. */
export async function readAtMost(files: Files, path: string, mostBytes: number): Promise<Uint8Array> {
  const bytes = await files.size(path);
  if (bytes > mostBytes) throw tooLarge(path, bytes, mostBytes);
  return files.read(path);
}

/** The whole text that a user names. @throws FILE; LIMIT_EXCEEDED past `mostBytes`; `code` when it is no UTF-8. */
export async function readTextAtMost(files: Files, path: string, mostBytes: number, code: ErrorCode): Promise<string> {
  const bytes = await readAtMost(files, path, mostBytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new PipewrightError(code, `${path}: the text is not UTF-8. Save it as UTF-8.`, { path });
  }
}

function tooLarge(path: string, bytes: number, mostBytes: number): PipewrightError {
  return new PipewrightError(
    "LIMIT_EXCEEDED",
    `${path}: too large; got ${bytes} bytes, expected at most ${mostBytes}. Give another file.`,
    { path, bytes },
  );
}
