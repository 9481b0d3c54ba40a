/** @file First module of a child process: ties its life to the parent's, then runs the entry that the parent names. */
import type { Message } from "./env.js";
import { linux } from "./libc.js";
import { Mailbox } from "./mailbox.js";
import { nodeEnv } from "./node.js";
import { setParent } from "./parent.js";
import type { ProcessStart } from "./processes.js";

const messages = new Mailbox<Message>();
let leaving = false;

linux().dieWithParent();
// A terminal sends these to the whole group; the parent stops its children when it has made its checkpoint.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => {
  if (!leaving) process.exit(1);
});
process.once("message", (first) => {
  const { entry, argument, parentPid } = first as ProcessStart;
  // A parent that ended before the kernel was asked leaves no signal behind.
  if (process.ppid !== parentPid) process.exit(1);
  process.on("message", (message) => messages.deliver(message));
  setParent({
    argument,
    env: nodeEnv(),
    send: (message) => {
      if (process.connected) process.send!(message, undefined, undefined, () => undefined);
    },
    onMessage: (listener) => messages.listen(listener),
    takeLongSlices: () => linux().takeLongSlices(),
    leave: () => {
      leaving = true;
      process.disconnect();
    },
  });
  void import(entry);
});
