/** @file The programs that an export for PyTorch copies, on a simulated disk, where it takes them from. */
import { fileURLToPath } from "node:url";
import type { Files } from "../../runtime/env/env.js";
import { nodeEnv } from "../../runtime/env/node.js";
import { compiledUrl } from "./compiled.js";

/** Puts them there. */
export async function torchScripts(files: Files): Promise<void> {
  const folder = fileURLToPath(compiledUrl("runtime/torch-export/python/"));
  await files.makeDirectory(folder);
  for (const script of ["train.py", "onnx_stage.py", "onnx_operators.py"])
    await files.writeAtomic(`${folder}${script}`, await nodeEnv().files.read(`${folder}${script}`));
}
