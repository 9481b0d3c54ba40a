import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { importModel } from "../../compiler/onnx/import.js";
import { attempt, minimised } from "../../scripts/fuzz/attempt.js";
import { mutate, randomBelow } from "../../scripts/fuzz/mutate.js";
import { writeSeeds } from "../../scripts/fuzz/seeds.js";
import { fuzzedModels } from "../../scripts/fuzz/sequence.js";
import { EDITS, illegalGraph, legalGraph } from "../../scripts/fuzz/structured.js";
import { modelBytes } from "../support/proto-model.js";

/** How long the sequence of the seed is gone through. It is the same on every machine; how far it goes is not. */
const FUZZING_MS = 20_000;
const SEED = 7;
const CRASHERS = new URL("../../fixtures/fuzz/", import.meta.url);

const folder = mkdtempSync(join(tmpdir(), "pipewright-seeds-"));
afterAll(() => rmSync(folder, { recursive: true }));
writeSeeds(folder);
const seeds = readdirSync(folder)
  .sort()
  .map((name) => new Uint8Array(readFileSync(join(folder, name))));

describe("fuzzing", () => {
  it("starts from models that load", () => {
    expect(seeds.map((bytes) => attempt(bytes).failure)).toEqual(seeds.map(() => undefined));
  });

  it.each(readdirSync(CRASHERS))("reads %s, which made it crash once", (name) => {
    expect(attempt(new Uint8Array(readFileSync(new URL(name, CRASHERS)))).failure).toBeUndefined();
  });

  it("makes the same models from the same seed, and changes nearly all", () => {
    const make = (): readonly string[] => {
      const below = randomBelow(SEED);
      return Array.from({ length: 200 }, () => Buffer.from(mutate(seeds[0]!, seeds[1]!, below)).toString("hex"));
    };
    expect(make()).toEqual(make());
    expect(new Set(make()).size).toBeGreaterThan(150);
  });

  it("accepts structured graphs, and refuses them after one illegal edit of any kind", () => {
    const below = randomBelow(SEED);
    const edits = new Set<string>();
    for (let execution = 0; execution < 1_000; execution++) {
      expect(() => importModel(modelBytes(legalGraph(below)))).not.toThrow();
      const { edit, bytes } = illegalGraph(below);
      edits.add(edit);
      expect(attempt(bytes, edit).failure).toBeUndefined();
    }
    expect(edits.size).toBe(EDITS.length);
  });

  it("finds no crash in 20 seconds", async () => {
    const endMs = performance.now() + FUZZING_MS;
    let executions = 0;
    for (const { bytes, edit } of fuzzedModels(seeds, SEED)) {
      if (performance.now() >= endMs) break;
      const { failure } = attempt(bytes, edit);
      executions++;
      if (failure !== undefined && !failure.startsWith("slower"))
        expect.fail(reproduction(failure, executions, minimised(bytes, failure, edit)));
      // The runner hears from a test only while it waits.
      if (executions % 1_000 === 0) await setImmediate();
    }
    process.stderr.write(`fuzzing: ${executions} executions of seed ${SEED}, 0 failures\n`);
    expect(executions).toBeGreaterThan(0);
  });
});

/** What brings a failure about again: the bytes, as small as they get, and the command that comes to them. */
function reproduction(failure: string, execution: number, bytes: Uint8Array): string {
  const base64 = Buffer.from(bytes).toString("base64");
  return `${failure}\nexecution ${execution} of npm run -s fuzz -- --seed ${SEED}; a model in base64:\n${base64}`;
}
