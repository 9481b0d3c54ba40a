/** @file Shared memory of processes beyond the contract: size, closing, names of others. */
import { constants } from "node:buffer";
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { nodeEnv } from "../../../runtime/env/node.js";

describe.runIf(process.platform === "linux")("shared memory of processes", () => {
  const { memories } = nodeEnv();

  it("may be longer than an array, seen by views", () => {
    const memory = memories.create(constants.MAX_LENGTH < 2 ** 33 ? constants.MAX_LENGTH + 4096 : 4096);
    const other = memories.open(memory.name);
    memory.view(memory.byteLength - 4, 4)[3] = 5;
    expect(other.view(memory.byteLength - 1, 1)[0]).toBe(5);
    if (memory.byteLength > constants.MAX_LENGTH) {
      expect(() => memory.view(0, memory.byteLength)).toThrow(expect.objectContaining({ code: "LIMIT_EXCEEDED" }));
    }
    other.close();
    memory.close();
  });

  it("leaves harmless zeros under views when it is closed, and no descriptor", () => {
    const open = (): number => readdirSync("/proc/self/fd").length;
    const before = open();
    const memory = memories.create(4096);
    const bytes = memory.view(0, 4096);
    bytes[0] = 1;
    memory.close();
    memory.close();
    expect(bytes[0]).toBe(0);
    bytes[0] = 2;
    expect(open()).toBe(before);
  });

  it("is not mistaken for what took over its descriptor", () => {
    const first = memories.create(4096);
    const { name } = first;
    first.close();
    const second = memories.create(4096);
    expect(second.name.split("#")[0]).toBe(name.split("#")[0]);
    expect(() => memories.open(name)).toThrow("is not there; its creator has closed it or is gone");
    second.close();
  });

  it("refuses names that are none of its own", () => {
    expect(() => memories.open("/etc/passwd#1")).toThrow(expect.objectContaining({ code: "FILE" }));
  });
});
