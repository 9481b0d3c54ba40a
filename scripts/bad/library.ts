/** @file Loads models through the library, as a child of check-bad: paths as JSON on stdin, one line of JSON each. */
import { PipewrightError } from "../../compiler/errors.js";
import { nodeEnv } from "../../runtime/env/node.js";
import { loadModel } from "../../runtime/model-file.js";

let text = "";
for await (const part of process.stdin.setEncoding("utf8")) text += String(part);
const env = nodeEnv();
for (const path of JSON.parse(text) as readonly string[]) console.log(JSON.stringify({ path, says: await say(path) }));

/** "" when the model loads or only lacks sizes, as `inspect` sees it. */
async function say(path: string): Promise<string> {
  try {
    await loadModel(env, path);
    return "";
  } catch (error) {
    if (!(error instanceof PipewrightError)) return `internal error: ${String(error)}`;
    return error.code === "DIM_UNBOUND" ? "" : error.message;
  }
}
