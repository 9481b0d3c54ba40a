/** @file Child processes: they run a module, speak by messages and die with their parent. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Child, Message, Processes } from "./env.js";
import { linux } from "./libc.js";
import { Mailbox } from "./mailbox.js";
import { processMain } from "./module-loader.js";

type End = Parameters<Parameters<Child["onExit"]>[0]>[0];

/** The first message to a child process. */
export interface ProcessStart {
  readonly entry: string;
  readonly argument: Message;
  readonly parentPid: number;
}

const STDERR = 2;

/** Processes of Linux. `spawn` throws USAGE elsewhere: stages run as threads there. */
export const nodeProcesses: Processes = {
  spawn: (entry, argument) => {
    linux();
    const { main, options } = processMain(entry);
    const child = fork(fileURLToPath(main), [], {
      execArgv: [...options],
      serialization: "advanced",
      stdio: ["ignore", STDERR, STDERR, "ipc"],
    });
    const messages = new Mailbox<Message>();
    child.on("message", (message) => messages.deliver(message));
    const ended = new Promise<End>((end) => {
      child.on("exit", (code, signal) => end({ code, signal }));
      child.on("error", () => {
        if (child.pid === undefined) end({ code: null, signal: null });
      });
    });
    const send = (message: Message): void => {
      if (child.connected) child.send(message as Parameters<typeof child.send>[0], () => undefined);
    };
    send({ entry, argument, parentPid: process.pid } satisfies ProcessStart);
    return {
      pid: child.pid ?? 0,
      send,
      onMessage: (listener) => messages.listen(listener),
      onExit: (listener) => {
        void ended.then(listener);
      },
      kill: () => {
        child.kill("SIGKILL");
      },
    };
  },
};
