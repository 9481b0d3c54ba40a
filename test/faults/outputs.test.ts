/**
 * @file Faults in the way of every output: a loss of power at any point, a full disk, a read-only one, an error of any
 * operation. What is there afterwards is the old version or the new one, whole.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { crashStates, RecordingDisk } from "../support/crash-states.js";
import type { Output, Version } from "../support/outputs.js";
import { OUTPUTS } from "../support/outputs.js";
import { simulatedEnv } from "../support/simulated-env.js";
import type { SimulatedEnv } from "../support/simulated-env.js";
import type { Fault } from "../support/simulated-disk.js";
import { report, sized } from "./size.js";

/** A disk with the old version on it, safely. */
async function withOld(output: Output): Promise<SimulatedEnv & { readonly disk: RecordingDisk }> {
  const disk = new RecordingDisk();
  const env = simulatedEnv(disk);
  await disk.makeDirectory("/out");
  await disk.syncDirectory("/");
  await output.prepare?.(env);
  await output.write(env, "old");
  return { ...env, disk };
}

/** Names below a directory. */
async function namesBelow(env: SimulatedEnv, path: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (const name of await env.disk.names(path)) {
    names.push(`${path}/${name}`);
    if ((await env.disk.entry(`${path}/${name}`))!.kind === "directory")
      names.push(...(await namesBelow(env, `${path}/${name}`)));
  }
  return names.sort();
}

describe.each(OUTPUTS)("$name", (output) => {
  const texts = new Map<Version, string | undefined>();
  let operations = 0;
  beforeAll(async () => {
    const env = await withOld(output);
    texts.set("old", await output.found(env));
    env.disk.setFault();
    await output.write(env, "new");
    operations = env.disk.operations.length;
    texts.set("new", await output.found(env));
  });

  it("is written in two versions", () => {
    expect(texts.get("old")).toBeDefined();
    expect(texts.get("new")).toBeDefined();
    if (output.name !== "exported ONNX files") expect(texts.get("new")).not.toBe(texts.get("old"));
  });

  it("is old or new after a loss of power, and new once it was written", async () => {
    const env = await withOld(output);
    const start = env.disk.log.length;
    await output.write(env, "new");
    const { log } = env.disk;
    let states = 0;
    for await (const { disk, done } of crashStates(log, sized(3, 100))) {
      if (done < start) continue;
      states++;
      const found = await output.found(simulatedEnv(disk));
      const allowed = done < log.length ? [...texts.values()] : [texts.get("new")];
      expect(allowed, `after ${done - start} of ${log.length - start} operations`).toContain(found);
    }
    report(`${output.name}: ${states} states of ${log.length - start} operations, old or new in all`);
    expect(states).toBeGreaterThan(3);
  });

  it("is old or new when an operation fails, and nothing else is left", async () => {
    const step = sized(Math.max(1, Math.floor(operations / 30)), 1);
    for (let place = 0; place < operations; place += step) {
      const env = await withOld(output);
      const before = await namesBelow(env, "/out");
      const fault: Fault = { kind: "fail", at: place, code: ["ENOSPC", "EIO", "EACCES"][place % 3]! };
      env.disk.setFault(fault);
      const outcome = await output.write(env, "new").then(
        () => "done",
        (error: unknown) => error,
      );
      const failed = env.disk.operations[place];
      env.disk.setFault();
      const found = await output.found(env);
      expect([...texts.values()], failed).toContain(found);
      if (outcome === "done") expect(found, failed).toBe(texts.get("new"));
      else {
        expect(outcome, failed).toMatchObject({ code: "FILE" });
        if (found === texts.get("old") && found !== texts.get("new"))
          expect(
            (await namesBelow(env, "/out")).filter((name) => name.endsWith(".tmp") && !before.includes(name)),
          ).toEqual([]);
      }
    }
  });

  it.each(["full", "read-only"])("is the old one on a disk that is %s, and that is said", async (kind) => {
    const env = await withOld(output);
    const before = await namesBelow(env, "/out");
    if (kind === "full") env.disk.freeBytes = 10;
    else env.disk.readOnly = true;
    const outcome: unknown = await output.write(env, "new").catch((error: unknown) => error);
    expect(outcome).toMatchObject({
      code: "FILE",
      message: expect.stringMatching(kind === "full" ? /the disk is full/ : /the file system is read-only/) as string,
    });
    expect(await output.found(env)).toBe(texts.get("old"));
    expect(await namesBelow(env, "/out")).toEqual(before);
  });
});
