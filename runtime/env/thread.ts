/** @file The environment whose children are worker threads: for systems without our process transport, and for tests. */
import { threadId } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { nodeClock } from "./clock.js";
import type { Env, SharedMemories } from "./env.js";
import { nodeFiles } from "./node-files.js";
import { nodeRandom } from "./random.js";
import { announcedMemories, ownedMemories } from "./thread-memory.js";
import type { NamedMemory } from "./thread-memory.js";
import { threadProcesses } from "./threads.js";

let made = 0;

/** An environment with worker threads as children and SharedArrayBuffers as memory. Memories are made by the parent. */
export function threadEnv(): Env {
  const present = new Map<string, NamedMemory>();
  const ports = new Set<MessagePort>();
  const memories = ownedMemories(`thread-${process.pid}-${threadId}-${made++}`, {
    onCreate: (memory) => {
      present.set(memory.name, memory);
      for (const port of ports) port.postMessage(memory);
    },
    onClose: (memory) => present.delete(memory.name),
  });
  const processes = threadProcesses(
    () => [...present.values()],
    (port) => {
      ports.add(port);
      return () => ports.delete(port);
    },
  );
  return { files: nodeFiles(), clock: nodeClock, random: nodeRandom, processes, memories };
}

/** The environment of a child thread: it opens its parent's memories and has no children of its own. */
export function childThreadEnv(present: readonly NamedMemory[], announcements: MessagePort): Env {
  const memories: SharedMemories = announcedMemories(present, announcements);
  return {
    files: nodeFiles(),
    clock: nodeClock,
    random: nodeRandom,
    memories,
    processes: {
      spawn: () => {
        throw new Error("internal: a child thread spawns children; its parent does that");
      },
    },
  };
}
