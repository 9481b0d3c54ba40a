/** @file Loading a module that the user names: code of theirs, which runs with all their rights. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { PipewrightError } from "../../compiler/errors.js";

/** The exports of the module at `path`. @throws FILE when it does not load, with the reason. */
export async function importUserModule(path: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PipewrightError("FILE", `data module ${path}: it does not load; ${reason.split("\n")[0]}`, {
      file: path,
    });
  }
}
