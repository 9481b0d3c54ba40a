import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { importModel } from "../../compiler/onnx/import.js";
import { attempt } from "../../scripts/fuzz/attempt.js";
import { mutate, randomBelow } from "../../scripts/fuzz/mutate.js";
import { writeSeeds } from "../../scripts/fuzz/seeds.js";
import { EDITS, illegalGraph, legalGraph } from "../../scripts/fuzz/structured.js";
import { modelBytes } from "../support/proto-model.js";

/** About 20 seconds of work on one core; a count, so that every machine tries the same models. */
const EXECUTIONS = 24_000;
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

  it("finds no crash in 24,000 mutated models", () => {
    const below = randomBelow(SEED);
    for (let execution = 0; execution < EXECUTIONS; execution++) {
      const bytes = mutate(seeds[below(seeds.length)]!, seeds[below(seeds.length)]!, below);
      const { failure } = attempt(bytes);
      const crash = failure?.startsWith("slower") === false ? failure : undefined;
      expect(crash, Buffer.from(bytes).toString("base64")).toBeUndefined();
    }
  });
});
