import { Ajv } from "ajv";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ADAMW } from "../../../compiler/optimizer/adamw.js";
import { OPTIMAL_GAP } from "../../../compiler/partition/certificate.js";
import { configSchema, SCHEMA_FILE } from "../../../runtime/cli/config-schema.js";
import { DEFAULTS } from "../../../runtime/cli/defaults.js";
import type { FlagName } from "../../../runtime/cli/flags.js";
import { FLAGS } from "../../../runtime/cli/flags.js";
import { SMP_FIXED } from "../../../runtime/cli/foreign-names.js";
import { DEFAULT_PREFETCH } from "../../../runtime/train.js";
import { pipewright } from "../../support/shell.js";
import { readRepositoryFile } from "../../support/sources.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-config-"));
const file = join(folder, "job.json");
afterAll(() => rmSync(folder, { recursive: true }));

interface Printed {
  readonly flags: readonly { readonly flag: string; readonly value: string; readonly source: string }[];
  readonly defaults: readonly { readonly flag: string; readonly value: string; readonly source: string }[];
}

/** What `config` makes of a file, or its message. */
async function read(document: object, words: readonly string[] = []) {
  writeFileSync(file, JSON.stringify(document));
  const { exitCode, stdout, stderr } = await pipewright(["config", "-c", file, "--json", ...words]);
  if (exitCode !== 0) return { error: stderr.replace("error: ", "").replaceAll(`${file}, `, "").trim() };
  const { flags, defaults } = JSON.parse(stdout) as Printed;
  return { values: Object.fromEntries(flags.map(({ flag, value }) => [flag, value])), flags, defaults };
}

describe("the JSON Schema", () => {
  const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(configSchema());

  it("is shipped as the flags make it (npm run make:config-schema)", () => {
    expect(JSON.parse(readRepositoryFile(SCHEMA_FILE))).toEqual(configSchema());
  });

  it.each([
    { devices: 4, microbatches: 8, "stages-per-device": 2, stagesPerDevice: 2, stages_per_device: 2 },
    { devices: ["2xcpu:1GiB", "cpu"], bind: { batch: 4 }, link: "10GB/s,20us", gap: "1%", "time-limit": "30s" },
    { loss: ["mse:a=b", "mse:c=d"], optimizer: { kind: "sgd", lr: 0.1 }, trainable: ["*", "!bias"], analytic: true },
    { pin: { "encoder.*": 0 }, "lr-schedule": { kind: "cosine", warmup: 10, total: 20 }, shuffle: false },
    { smp: { partitions: 4, microbatches: 8, pipeline: "interleaved", placement_strategy: "DPT", ddp: false } },
    { train_batch_size: 64, train_micro_batch_size_per_gpu: "auto", gradient_accumulation_steps: 16 },
    { version: 1, $schema: "./node_modules/pipewright/schema/config.v1.json", seed: 0, method: "slicing" },
  ])("takes what the reader takes: %j", async (document) => {
    expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
    expect(await read(document)).not.toHaveProperty("error");
  });

  it.each([
    { device: 4 },
    { microbatches: 0 },
    { microbatches: 1.5 },
    { analytic: "yes" },
    { method: "magic" },
    { devices: { a: [1] } },
    { smp: { ddp: true } },
    { smp: { partition: 4 } },
    { smp: 4 },
    { tensor_parallel_degree: 2 },
    { offload_activations: true },
  ])("refuses what the reader refuses: %j", async (document) => {
    expect(validate(document)).toBe(false);
    expect(await read(document)).toHaveProperty("error");
  });
});

describe("SageMaker's dictionary", () => {
  it("gives the flags of the same meaning", async () => {
    const smp = {
      pipeline_parallel_degree: 4,
      microbatches: 8,
      pipeline: "simple",
      active_microbatches: 6,
      optimize: "speed",
      placement_strategy: "spread",
      auto_partition: true,
      ddp: false,
      skip_tracing: true,
    };
    expect((await read({ smp })).values).toEqual({
      devices: "4",
      microbatches: "8",
      schedule: "simple",
      window: "6",
      optimize: "speed",
      method: "smp",
      analytic: "true",
    });
  });

  it("has one weight, which counts for more than the goal, and a window only in its own schedule", async () => {
    const smp = { partitions: 2, optimize: "speed", memory_weight: 0.3, active_microbatches: 4 };
    expect((await read({ smp })).values).toEqual({
      devices: "2",
      "memory-weight": "0.3",
      method: "smp",
      window: "4",
      schedule: "interleaved",
    });
  });

  it.each(Object.entries(SMP_FIXED))("%s is refused by name, with the reason", async (name, { accepts, reason }) => {
    for (const text of accepts) {
      const value = text === "true" ? true : text === "false" ? false : text;
      expect(await read({ smp: { [name]: value } })).not.toHaveProperty("error");
    }
    const expected = accepts.length === 0 ? "expected it left out" : `expected ${accepts.join(" or ")}`;
    expect(await read({ smp: { [name]: 7 } })).toEqual({
      error: `smp, ${name}: it cannot be done here; got 7, ${expected}, because ${reason}.`,
    });
  });

  it.each([
    [{ smp: { partition: 4 } }, 'smp: SageMaker has no parameter "partition". Did you mean partitions?'],
    [{ smp: 4 }, 'smp: expected a map of SageMaker\'s parameters, such as "partitions: 4".'],
    [
      { devices: 2, smp: { partitions: 4 } },
      "smp, partitions: it is devices, which has a value already; got 4 and 2 (devices). Leave one out.",
    ],
    [
      { microbatches: 4, gradient_accumulation_steps: 8 },
      "gradient_accumulation_steps: it is microbatches, which has a value already; got 8 and 4 (microbatches). Leave one out.",
    ],
  ])("%j says what is wrong", async (document, error) => expect(await read(document)).toEqual({ error }));
});

describe("every value", () => {
  it("has its origin, defaults too", async () => {
    const { flags, defaults } = await read({ smp: { partitions: 4 }, seed: 3 }, ["--set", "gap=1%", "-m", "8"]);
    expect(flags).toEqual([
      { flag: "devices", value: "4", source: `${file}, smp, partitions` },
      { flag: "microbatches", value: "8", source: "--microbatches" },
      { flag: "gap", value: "1%", source: "--set gap" },
      { flag: "seed", value: "3", source: `${file}, seed` },
    ]);
    expect(defaults).toContainEqual({ flag: "schedule", value: "auto", source: "default" });
    expect(defaults!.map(({ flag }) => flag)).not.toContain("seed");
  });

  it("is what counts when it is left out", () => {
    for (const [name, text] of Object.entries(DEFAULTS)) {
      if (!text.startsWith("(")) expect(() => FLAGS[name as FlagName].parse(text), name).not.toThrow();
    }
    expect(FLAGS.optimizer.parse(DEFAULTS.optimizer)).toEqual(ADAMW);
    expect(FLAGS.gap.parse(DEFAULTS.gap)).toBe(OPTIMAL_GAP);
    expect(FLAGS.prefetch.parse(DEFAULTS.prefetch)).toBe(DEFAULT_PREFETCH);
  });
});
