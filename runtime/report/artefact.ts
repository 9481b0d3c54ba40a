/** @file Reads a JSON file that lies beside a plan, checked before anything of it is used. */
import type { ZodType } from "zod";
import { PipewrightError } from "../../compiler/errors.js";
import type { Env } from "../env/env.js";

/** Largest file that is read; what we write is far below. */
const MOST_BYTES = 256 * 2 ** 20;

/**
 * The document at `path`.
 * @throws FILE, LIMIT_EXCEEDED, ARTEFACT_MISMATCH naming the first thing that is wrong.
 */
export async function readArtefact<T>({ files }: Pick<Env, "files">, path: string, schema: ZodType<T>): Promise<T> {
  const bytes = await files.size(path);
  if (bytes > MOST_BYTES) {
    throw new PipewrightError(
      "LIMIT_EXCEEDED",
      `${path}: too large; got ${bytes} bytes, expected at most ${MOST_BYTES}. Remove the file and run again.`,
    );
  }
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder().decode(await files.read(path)));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw mismatch(path, `it is not JSON (${error.message})`);
  }
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw mismatch(path, `${issue.path.join(".") || "the document"}: ${issue.message}`);
}

/** An error about a file that lies beside a plan. */
export function mismatch(path: string, what: string): PipewrightError {
  return new PipewrightError("ARTEFACT_MISMATCH", `${path}: ${what}. Remove the file, or make it again.`);
}
