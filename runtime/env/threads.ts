/** @file Worker threads as children: they run a module, speak by messages and end with their process. */
import { MessageChannel } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import type { Child, Message, Processes } from "./env.js";
import { Mailbox } from "./mailbox.js";
import { startThread } from "./module-loader.js";
import type { NamedMemory } from "./thread-memory.js";

type End = Parameters<Parameters<Child["onExit"]>[0]>[0];

/** What a worker thread is started with. */
export interface ThreadStart {
  readonly entry: string;
  readonly argument: Message;
  readonly memories: readonly NamedMemory[];
  /** Brings memories made later. */
  readonly announcements: MessagePort;
}

/** Exit code of a thread that was stopped from outside, as Node gives it. */
const TERMINATED = 1;

/**
 * Worker threads as children.
 *
 * @param present the memories that a child sees from its start.
 * @param announceTo registers a port for the memories made later, and gives what ends that.
 */
export function threadProcesses(
  present: () => readonly NamedMemory[],
  announceTo: (port: MessagePort) => () => void,
): Processes {
  return {
    spawn: (entry, argument) => {
      const { port1: own, port2: announcements } = new MessageChannel();
      const stopAnnouncing = announceTo(own);
      const worker = startThread("./thread-main.js", {
        workerData: { entry, argument, memories: present(), announcements } satisfies ThreadStart,
        transferList: [announcements],
      });
      const messages = new Mailbox<Message>();
      let killed = false;
      worker.on("message", (message: Message) => messages.deliver(message));
      worker.on("error", (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      });
      const ended = new Promise<End>((end) => {
        worker.on("exit", (code) => {
          stopAnnouncing();
          own.close();
          end(killed && code === TERMINATED ? { code: null, signal: "SIGKILL" } : { code, signal: null });
        });
      });
      return {
        pid: process.pid,
        send: (message) => worker.postMessage(message),
        onMessage: (listener) => messages.listen(listener),
        onExit: (listener) => {
          void ended.then(listener);
        },
        kill: () => {
          killed = true;
          void worker.terminate();
        },
      };
    },
  };
}
