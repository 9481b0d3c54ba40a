/** @file The environment of this machine: its files, its clock, and children as processes that share memory. */
import { nodeClock } from "./clock.js";
import type { Env } from "./env.js";
import { nodeFiles } from "./node-files.js";
import { processMemories } from "./process-memory.js";
import { nodeProcesses } from "./processes.js";
import { nodeRandom } from "./random.js";

/** The real environment. Children and shared memory need Linux; `threadEnv` runs everywhere. */
export function nodeEnv(): Env {
  return {
    files: nodeFiles(),
    clock: nodeClock,
    random: nodeRandom,
    processes: nodeProcesses,
    memories: processMemories,
  };
}
