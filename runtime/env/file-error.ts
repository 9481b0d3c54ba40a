/** @file Failures of the file system in plain words. */
import { PipewrightError } from "../../compiler/errors.js";

interface Reason {
  readonly what: string;
  readonly advice: string;
}

const REASONS: Readonly<Record<string, Reason>> = {
  ENOENT: { what: "there is no such file or directory", advice: "Check the path." },
  EACCES: { what: "permission is denied", advice: "Change the permissions or use another path." },
  EPERM: { what: "the system does not permit it", advice: "Change the permissions or use another path." },
  ENOSPC: { what: "the disk is full", advice: "Free some space or use another disk." },
  EDQUOT: { what: "the disk quota is used up", advice: "Free some space or use another disk." },
  EROFS: { what: "the file system is read-only", advice: "Use a path that can be written." },
  EISDIR: { what: "it is a directory, expected a file", advice: "Give the path of a file." },
  ENOTDIR: { what: "a part of the path is a file, expected a directory", advice: "Check the path." },
  EEXIST: { what: "something is there already", advice: "Remove it or use another path." },
  ENOTEMPTY: { what: "the directory is not empty", advice: "Remove it or use another path." },
  ENAMETOOLONG: { what: "the name is too long", advice: "Use a shorter path." },
  ELOOP: { what: "symbolic links go in a circle", advice: "Check the path." },
  EMFILE: { what: "too many files are open", advice: "Raise the limit with ulimit -n." },
  ENFILE: { what: "too many files are open in the system", advice: "Close other programs." },
  EIO: { what: "the device gave an input or output error", advice: "Check the disk." },
  EFBIG: { what: "the file is too large for the file system", advice: "Use another disk." },
  EBUSY: { what: "it is in use", advice: "Close what uses it." },
};

/** FILE with the reason in words. `action` completes "cannot …": "be read". */
export function fileError(path: string, action: string, reason: Reason): PipewrightError {
  return new PipewrightError("FILE", `${path}: cannot ${action}; ${reason.what}. ${reason.advice}`, { path });
}

/** Runs an operation on a path and turns a failure of the system into FILE; FILE itself passes. */
export async function onFile<T>(path: string, action: string, operate: () => Promise<T>): Promise<T> {
  try {
    return await operate();
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw fileError(path, action, REASONS[code] ?? { what: `the system says ${code}`, advice: "Check the path." });
  }
}

/** The system's code of an error, such as "ENOENT"; undefined for errors that are no failure of the system. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || !("syscall" in error || "errno" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
