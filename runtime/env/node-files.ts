/** @file Files of this machine. */
import type { Files } from "./env.js";
import { filesOver } from "./files.js";
import { nodeDisk } from "./node-disk.js";
import { nodeRandom } from "./random.js";

/** Files of this machine's disk. */
export function nodeFiles(): Files {
  return filesOver(nodeDisk, nodeRandom);
}
