/** @file What the children of the env contract do, by the role that their argument names. */
import { connectParent } from "../../runtime/env/parent.js";

interface Argument {
  readonly role: "echo" | "exit" | "block" | "ping-pong" | "open";
  readonly memory: string;
  readonly rounds: number;
  readonly code: number;
}

const parent = connectParent();
const { role, memory: name, rounds, code } = parent.argument as Argument;

if (role === "echo" || role === "open") {
  parent.send(parent.argument);
  parent.onMessage((message) => {
    if (message === "leave") parent.leave();
    else parent.send(role === "echo" ? message : parent.env.memories.open(message as string).view(3, 1)[0]);
  });
} else if (role === "exit") {
  process.exit(code);
} else {
  const memory = parent.env.memories.open(name);
  const words = memory.words(0, 16);
  Atomics.store(words, 0, 1);
  memory.wake(0);
  if (role === "block") memory.wait(4, 0, Infinity);
  for (let round = 1; round <= rounds; round++) {
    while (Atomics.load(words, 1) !== round) memory.wait(4, round - 1, 10_000);
    Atomics.store(words, 2, round);
    memory.wake(8);
  }
  parent.leave();
}
