/** @file First module of a worker thread: takes the parent's memories, then runs the entry that the parent names. */
import { parentPort, workerData } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { invariant } from "../../compiler/errors.js";
import type { Message } from "./env.js";
import { Mailbox } from "./mailbox.js";
import { setParent } from "./parent.js";
import { childThreadEnv } from "./thread.js";
import type { ThreadStart } from "./threads.js";

invariant(parentPort, "thread-main runs outside a worker thread");
const port: MessagePort = parentPort;
const start = workerData as ThreadStart;
const messages = new Mailbox<Message>();

port.on("message", (message: Message) => messages.deliver(message));
setParent({
  argument: start.argument,
  env: childThreadEnv(start.memories, start.announcements),
  send: (message) => port.postMessage(message),
  onMessage: (listener) => messages.listen(listener),
  takeLongSlices: () => undefined,
  leave: () => {
    port.close();
  },
});
await import(start.entry);
