/** @file Where the compiled modules of this run are, for children and for what the product reads beside its modules. */
import { pathToFileURL } from "node:url";

/** URL of a compiled module or of a file beside it, by its path in the repository: modules end in ".js" here. */
export function compiledUrl(path: string): URL {
  const folder = process.env["COMPILED_SOURCES"];
  if (folder === undefined) throw new Error("COMPILED_SOURCES is not set; run the tests through vitest");
  return new URL(path, `${pathToFileURL(folder).href}/`);
}
