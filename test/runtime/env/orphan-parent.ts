/** @file A parent for the orphan test: it starts a child that blocks, tells its id, and waits to be killed. */
import { nodeEnv } from "../../../runtime/env/node.js";

const { processes, memories, clock } = nodeEnv();
const memory = memories.create(64);
const entry = new URL("../../contract/env-child.js", import.meta.url).href;
const child = processes.spawn(entry, { role: "block", memory: memory.name });
while (!memory.wait(0, 0, 5)) await clock.sleep(1);
process.send!(child.pid);
await clock.sleep(60_000);
