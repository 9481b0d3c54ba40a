/** @file Writes against faults at every operation: a file or directory is the old one or the new one, whatever fails. */
import { beforeEach, describe, expect, it } from "vitest";
import type { Files } from "../../../runtime/env/env.js";
import { filesOver } from "../../../runtime/env/files.js";
import { PowerLoss, SimulatedDisk } from "../../support/simulated-disk.js";
import type { Fault, Loss } from "../../support/simulated-disk.js";
import { simulatedRandom } from "../../support/simulated-env.js";

const LOSSES: readonly Loss[] = ["nothing", "unsynced content", "everything unsynced"];

interface Case {
  readonly name: string;
  /** False on systems without an exchange of names. */
  readonly canExchange: boolean;
  write(files: Files, version: string): Promise<void>;
  /** The version that is there; fails when it is a mixture or nothing. */
  found(files: Files): Promise<string>;
}

const text = async (files: Files, path: string): Promise<string> => new TextDecoder().decode(await files.read(path));

const FILE: Case = {
  name: "writeAtomic",
  canExchange: true,
  write: (files, version) => files.writeAtomic("/d/f", version),
  found: (files) => text(files, "/d/f"),
};

const DIRECTORY: Case = {
  name: "writeDirectoryAtomic",
  canExchange: true,
  write: (files, version) =>
    files.writeDirectoryAtomic("/d/p", async (temporary) => {
      await files.makeDirectory(`${temporary}/stages`);
      await files.writeAtomic(`${temporary}/plan.json`, version);
      await files.writeAtomic(`${temporary}/stages/0.onnx`, version);
    }),
  found: async (files) => {
    expect(await files.list("/d/p")).toEqual(["plan.json", "stages"]);
    const versions = [await text(files, "/d/p/plan.json"), await text(files, "/d/p/stages/0.onnx")];
    expect(versions[0]).toBe(versions[1]);
    return versions[0]!;
  },
};

/** A disk that holds the old version, safely. */
async function diskWith(subject: Case): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  disk.canExchange = subject.canExchange;
  await disk.makeDirectory("/d");
  await disk.syncDirectory("/");
  await subject.write(filesOver(disk, simulatedRandom()), "old");
  return disk;
}

/** Writes the new version under a fault and gives whether that ended well. */
async function overwrite(disk: SimulatedDisk, subject: Case, fault: Fault | undefined): Promise<"done" | Error> {
  disk.setFault(fault);
  try {
    await subject.write(filesOver(disk, simulatedRandom(2n)), "new");
    return "done";
  } catch (error) {
    return error as Error;
  } finally {
    disk.setFault();
  }
}

async function operationCount(subject: Case): Promise<number> {
  const disk = await diskWith(subject);
  disk.setFault();
  await subject.write(filesOver(disk, simulatedRandom(2n)), "new");
  return disk.operations.length;
}

describe.each([FILE, DIRECTORY])("$name", (subject) => {
  let operations: number;
  beforeEach(async () => {
    operations = await operationCount(subject);
  });

  it("leaves the old or the new version when the power is lost, at every operation", async () => {
    for (let at = 0; at <= operations; at++) {
      for (const loss of LOSSES) {
        const disk = await diskWith(subject);
        const outcome = await overwrite(disk, subject, { kind: "power loss", at });
        if (at < operations) expect(outcome).toBeInstanceOf(PowerLoss);
        const version = await subject.found(filesOver(disk.afterLoss(loss), simulatedRandom()));
        expect(outcome === "done" ? ["new"] : ["old", "new"]).toContain(version);
      }
    }
  });

  it("leaves the old or the new version and nothing else when an operation fails", async () => {
    for (let at = 0; at < operations; at++) {
      const disk = await diskWith(subject);
      const outcome = await overwrite(disk, subject, { kind: "fail", at, code: "EIO" });
      const files = filesOver(disk, simulatedRandom());
      expect(["old", "new"]).toContain(await subject.found(files));
      if (outcome !== "done") expect(outcome).toMatchObject({ code: "FILE" });
      expect((await files.list("/d")).length, disk.operations[at]).toBeLessThanOrEqual(2);
    }
  });

  it.each(["ENOSPC", "EROFS"])("says so and changes nothing on %s", async (code) => {
    const disk = await diskWith(subject);
    if (code === "ENOSPC") disk.freeBytes = 1;
    else disk.readOnly = true;
    const outcome = await overwrite(disk, subject, undefined);
    expect(outcome).toMatchObject({
      code: "FILE",
      message: expect.stringMatching(code === "ENOSPC" ? /the disk is full/ : /the file system is read-only/) as string,
    });
    const files = filesOver(disk, simulatedRandom());
    expect(await subject.found(files)).toBe("old");
    expect((await files.list("/d")).length).toBe(1);
  });

  it("would be found out if it did not wait for the disk", async () => {
    let mixtures = 0;
    for (let at = 0; at <= operations; at++) {
      const disk = await diskWith(subject);
      disk.honoursSync = false;
      await overwrite(disk, subject, { kind: "power loss", at });
      await subject.found(filesOver(disk.afterLoss("unsynced content"), simulatedRandom())).then(
        (version) => {
          if (!["old", "new"].includes(version)) mixtures++;
        },
        () => mixtures++,
      );
    }
    expect(mixtures).toBeGreaterThan(0);
  });
});

describe("writeDirectoryAtomic where names cannot be exchanged", () => {
  it("replaces the directory, and puts the old one back when the second rename fails", async () => {
    const subject = { ...DIRECTORY, canExchange: false };
    const operations = await operationCount(subject);
    for (let at = 0; at <= operations; at++) {
      const disk = await diskWith(subject);
      await overwrite(disk, subject, { kind: "fail", at, code: "EACCES" });
      expect(["old", "new"]).toContain(await subject.found(filesOver(disk, simulatedRandom())));
    }
  });
});
