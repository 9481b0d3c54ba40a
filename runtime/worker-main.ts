/** @file What a worker process runs: the worker, on the real environment and its parent's port. */
import { nodeEnv } from "./env/node.js";
import { parentPort } from "./env/parent.js";
import { serve } from "./worker.js";

serve(nodeEnv(), parentPort());
