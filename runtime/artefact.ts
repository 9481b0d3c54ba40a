/**
 * @file JSON files that we write and read back. They end with a seal, the digest of all else in them, so that no change
 * passes in silence; nothing of a file is used before syntax, schema and seal are checked.
 */
import type { ZodType } from "zod";
import { PipewrightError } from "../compiler/errors.js";
import { JsonFault, parseJson } from "../compiler/plan/strict-json.js";
import { digestOf } from "./digest.js";
import type { Files } from "./env/env.js";
import { readPlainFile } from "./plain-file.js";

/** Largest file of this kind that is read; what we write is far below. */
export const ARTEFACT_LIMIT_BYTES = 64 * 2 ** 20;

/** The error of one kind of file. `what` is wrong, as a clause such as "version: expected 1". */
export type ArtefactFault = (what: string) => PipewrightError;

/** The document as the text of its file. Requires: no member `digest`. */
export function sealedJson(document: object, indent?: number): string {
  return `${JSON.stringify({ ...document, digest: sealOf(document) }, undefined, indent)}\n`;
}

/** The document, as far as JSON and schema say. @throws `fault` naming the first thing that is wrong. */
export function parseArtefact<T>(bytes: Uint8Array, schema: ZodType<T>, fault: ArtefactFault): T {
  return checked(parsed(bytes, fault), schema, fault);
}

/** The document that `sealedJson` wrote. @throws `fault` naming the first thing that is wrong. */
export function parseSealed<T>(bytes: Uint8Array, schema: ZodType<T>, fault: ArtefactFault): T {
  const document = parsed(bytes, fault);
  if (typeof document !== "object" || document === null) return checked(document, schema, fault);
  const { digest, ...content } = document as { readonly digest?: unknown };
  const result = checked(content, schema, fault);
  const expected = sealOf(content);
  if (digest !== expected)
    throw fault(`it was changed after it was written; got digest ${shortened(digest)}, expected ${expected}`);
  return result;
}

/** A sealed document that lies beside a plan. @throws FILE, LIMIT_EXCEEDED, ARTEFACT_MISMATCH. */
export async function readBeside<T>(files: Files, directory: string, name: string, schema: ZodType<T>): Promise<T> {
  const bytes = await readPlainFile(files, directory, name, ARTEFACT_LIMIT_BYTES);
  return parseSealed(bytes, schema, (what) => besideFault(directory, name, what));
}

/** An error about a file that lies beside a plan. */
export function besideFault(directory: string, name: string, what: string): PipewrightError {
  return new PipewrightError("ARTEFACT_MISMATCH", `${directory}/${name}: ${what}. Remove the file, or make it again.`);
}

function sealOf(document: object): string {
  return digestOf(JSON.stringify(document));
}

function parsed(bytes: Uint8Array, fault: ArtefactFault): unknown {
  try {
    return parseJson(bytes);
  } catch (error) {
    if (error instanceof JsonFault) throw fault(`it is ${error.message}`);
    throw error;
  }
}

function checked<T>(document: unknown, schema: ZodType<T>, fault: ArtefactFault): T {
  const result = schema.safeParse(document);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw fault(`${issue.path.join(".") || "the document"}: ${issue.message}`);
}

const SHOWN_CHARACTERS = 64;

function shortened(digest: unknown): string {
  return typeof digest === "string" ? JSON.stringify(digest.slice(0, SHOWN_CHARACTERS)) : "none";
}
