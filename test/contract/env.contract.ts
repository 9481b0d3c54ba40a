/** @file What every Env promises, as suites that run against any of them. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Child, Clock, Env, Files, Message } from "../../runtime/env/env.js";
import { compiledUrl } from "../support/compiled.js";

const ENTRY = compiledUrl("test/contract/env-child.js").href;

/** A wake-up that has not come after this time is lost, however slow the machine is. */
const LOST_MS = 60_000;

/** Files: `directory` is an existing empty one. */
export function filesContract(make: () => Promise<{ readonly files: Files; readonly directory: string }>): void {
  describe("files", () => {
    it("gives back what was written", async () => {
      const { files, directory } = await make();
      const path = join(directory, "a");
      await files.writeAtomic(path, Uint8Array.of(1, 2, 3));
      expect([...(await files.read(path))]).toEqual([1, 2, 3]);
      expect(await files.size(path)).toBe(3);
      await files.writeAtomic(path, "ünï");
      expect(new TextDecoder().decode(await files.read(path))).toBe("ünï");
      expect(await files.list(directory)).toEqual(["a"]);
    });

    it("reads parts and refuses parts past the end", async () => {
      const { files, directory } = await make();
      const path = join(directory, "a");
      await files.writeAtomic(path, Uint8Array.of(1, 2, 3, 4));
      expect([...(await files.readRange(path, 1, 2))]).toEqual([2, 3]);
      expect([...(await files.readRange(path, 4, 0))]).toEqual([]);
      await expect(files.readRange(path, 2, 3)).rejects.toThrow(
        `${path}: the file ends early; got 4 bytes, expected at least 5`,
      );
    });

    it("names the path and the reason of a failure", async () => {
      const { files, directory } = await make();
      const path = join(directory, "none");
      const failure = { code: "FILE", details: { path } };
      await expect(files.read(path)).rejects.toMatchObject(failure);
      await expect(files.read(path)).rejects.toThrow(
        `${path}: cannot be read; there is no such file or directory. Check the path.`,
      );
      await expect(files.list(path)).rejects.toThrow("cannot be listed; there is no such file");
      await expect(files.read(directory)).rejects.toThrow("it is a directory, expected a file");
      await expect(files.writeAtomic(join(path, "below"), "x")).rejects.toThrow(
        "cannot be written; there is no such file",
      );
    });

    it("tells what exists, removes and makes directories", async () => {
      const { files, directory } = await make();
      const deep = join(directory, "x", "y");
      await files.makeDirectory(deep);
      await files.writeAtomic(join(deep, "f"), "1");
      expect(await files.exists(join(deep, "f"))).toBe(true);
      await files.remove(join(directory, "x"));
      expect(await files.exists(deep)).toBe(false);
      await files.remove(deep);
      expect(await files.list(directory)).toEqual([]);
    });

    it("makes a directory appear at once, in the place of an old one", async () => {
      const { files, directory } = await make();
      const path = join(directory, "plan");
      for (const name of ["one", "two"]) {
        await files.writeDirectoryAtomic(path, async (temporary) => {
          await files.makeDirectory(join(temporary, "stages"));
          await files.writeAtomic(join(temporary, "stages", name), name);
        });
        expect(await files.list(join(path, "stages"))).toEqual([name]);
      }
      expect(await files.list(directory)).toEqual(["plan"]);
    });

    it("keeps the old directory when filling the new one fails", async () => {
      const { files, directory } = await make();
      const path = join(directory, "plan");
      await files.writeDirectoryAtomic(path, (temporary) => files.writeAtomic(join(temporary, "old"), "1"));
      const filling = files.writeDirectoryAtomic(path, async (temporary) => {
        await files.writeAtomic(join(temporary, "new"), "2");
        throw new Error("filling failed");
      });
      await expect(filling).rejects.toThrow("filling failed");
      expect(await files.list(path)).toEqual(["old"]);
      expect(await files.list(directory)).toEqual(["plan"]);
    });

    it("does not replace a file by a directory", async () => {
      const { files, directory } = await make();
      const path = join(directory, "plan");
      await files.writeAtomic(path, "1");
      await expect(files.writeDirectoryAtomic(path, () => Promise.resolve())).rejects.toThrow(
        `${path}: cannot be written; it is a file`,
      );
      expect(await files.list(directory)).toEqual(["plan"]);
    });

    it("does not replace a directory by a file", async () => {
      const { files, directory } = await make();
      const path = join(directory, "plan");
      await files.makeDirectory(path);
      await expect(files.writeAtomic(path, "1")).rejects.toThrow(`${path}: cannot be written; it is a directory`);
      expect(await files.list(directory)).toEqual(["plan"]);
    });

    it("makes a temporary directory of its own each time", async () => {
      const { files } = await make();
      const [one, two] = [await files.temporaryDirectory(), await files.temporaryDirectory()];
      expect(one).not.toBe(two);
      expect(await files.list(one)).toEqual([]);
      await files.remove(one);
      await files.remove(two);
    });
  });
}

/** Clock: it goes forward, and sleeping takes the time it says. */
export function clockContract(make: () => Clock): void {
  describe("clock", () => {
    it("goes forward by what is slept", async () => {
      const clock = make();
      const startMs = clock.nowMs();
      await clock.sleep(20);
      expect(clock.nowMs() - startMs).toBeGreaterThanOrEqual(19);
    });
  });
}

/** Memory that whoever knows its name may open. */
export function memoryContract(make: () => Env): void {
  describe("shared memory", () => {
    it("is zero-filled, aligned to pages and seen by who opens it", () => {
      const { memories } = make();
      const one = memories.create(4096);
      const two = memories.open(one.name);
      expect(one.view(0, 4096).every((byte) => byte === 0)).toBe(true);
      one.view(4095, 1)[0] = 9;
      expect(two.view(4095, 1)[0]).toBe(9);
      expect([...two.view(4094, 2)]).toEqual([0, 9]);
      expect(two.byteLength).toBe(4096);
      expect(() => two.view(4095, 2)).toThrow("2 bytes at 4095 do not lie in 4096 bytes");
      two.close();
      one.close();
      expect(() => memories.open(one.name)).toThrow(`shared memory: ${one.name} is not there`);
    });

    it("waits for a change and no longer than the timeout", () => {
      const { memories, clock } = make();
      const memory = memories.create(64);
      memory.words(0, 16)[3] = 5;
      expect(memory.wait(12, 4, 1000)).toBe(true);
      const startMs = clock.nowMs();
      expect(memory.wait(12, 5, 30)).toBe(false);
      expect(clock.nowMs() - startMs).toBeGreaterThanOrEqual(29);
      expect(() => memory.wait(6, 0, 0)).toThrow("offset 6 is no word");
      expect(() => memory.wake(64)).toThrow("offset 64 is no word");
      memory.close();
    });
  });
}

/** Children and the memory they share. */
export function childrenContract(make: () => Env): void {
  const start = (
    argument: Message,
  ): { readonly env: Env; readonly child: Child; readonly heard: () => Promise<Message> } => {
    const env = make();
    const child = env.processes.spawn(ENTRY, argument);
    const waiting: ((message: Message) => void)[] = [];
    const early: Message[] = [];
    child.onMessage((message) => {
      const listener = waiting.shift();
      if (listener) listener(message);
      else early.push(message);
    });
    const heard = (): Promise<Message> =>
      early.length > 0 ? Promise.resolve(early.shift()) : new Promise((resolve) => waiting.push(resolve));
    return { env, child, heard };
  };
  const ended = (child: Child): Promise<unknown> => new Promise((resolve) => child.onExit(resolve));

  describe("children", () => {
    it("get their argument and speak both ways", async () => {
      const { child, heard } = start({ role: "echo", bytes: Uint8Array.of(1, 2), big: 10n });
      expect(await heard()).toEqual({ role: "echo", bytes: Uint8Array.of(1, 2), big: 10n });
      child.send({ say: new Map([["k", 1]]) });
      expect(await heard()).toEqual({ say: new Map([["k", 1]]) });
      child.send("leave");
      expect(await ended(child)).toEqual({ code: 0, signal: null });
    });

    it("report their exit code, also to a late listener", async () => {
      const { child } = start({ role: "exit", code: 7 });
      expect(await ended(child)).toEqual({ code: 7, signal: null });
      expect(await ended(child)).toEqual({ code: 7, signal: null });
    });

    it("end when they are killed, even while they block", async () => {
      const env = make();
      const memory = env.memories.create(64);
      const child = env.processes.spawn(ENTRY, { role: "block", memory: memory.name });
      const word = memory.words(0, 2);
      while (memory.wait(0, 0, 5) === false) await env.clock.sleep(1);
      expect(Atomics.load(word, 0)).toBe(1);
      child.kill();
      expect(await ended(child)).toEqual({ code: null, signal: "SIGKILL" });
      memory.close();
    });
  });

  describe("memory shared with children", () => {
    it("carries a value to a child and back 2,000 times without losing a wake-up", async () => {
      const env = make();
      const memory = env.memories.create(64);
      const words = memory.words(0, 16);
      const child = env.processes.spawn(ENTRY, { role: "ping-pong", memory: memory.name, rounds: 2000 });
      while (!memory.wait(0, 0, 5)) await env.clock.sleep(1);
      for (let round = 1; round <= 2000; round++) {
        Atomics.store(words, 1, round);
        memory.wake(4);
        while (Atomics.load(words, 2) !== round) {
          if (!memory.wait(8, round - 1, LOST_MS)) throw new Error(`round ${round} was lost`);
        }
      }
      expect(await ended(child)).toEqual({ code: 0, signal: null });
      memory.close();
    });

    it("is seen by a child that is older than it", async () => {
      const { env, child, heard } = start({ role: "open" });
      await heard();
      const memory = env.memories.create(16);
      memory.view(3, 1)[0] = 42;
      child.send(memory.name);
      expect(await heard()).toBe(42);
      child.send("leave");
      await ended(child);
      memory.close();
    });
  });
}
