/** @file Style and scripts of the report on a simulated disk, where a report takes them from. */
import { fileURLToPath } from "node:url";
import type { Env } from "../../runtime/env/env.js";
import type { PageAssets } from "../../runtime/report/page.js";
import { PAGE_SCRIPTS } from "../../runtime/report/page.js";
import { compiledUrl } from "./compiled.js";

/** Puts them there. Left out, they are empty. */
export async function assetFiles({ files }: Env, assets?: PageAssets): Promise<void> {
  const folder = fileURLToPath(compiledUrl("runtime/report/page/"));
  await files.makeDirectory(folder);
  await files.writeAtomic(`${folder}style.css`, assets?.style ?? "");
  for (const [at, name] of PAGE_SCRIPTS.entries())
    await files.writeAtomic(`${folder}${name}`, assets?.scripts[at] ?? "");
}
