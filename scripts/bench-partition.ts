/**
 * @file Partitions published workloads and reports load, bound, gap and time.
 *
 *   npm run -s bench:partition -- FILE... --stages K [--model direct|relay] [--time-limit S] [--copies N] [--methods] [--json]
 *
 * FILE is a workload of msr-fiddle/dnn-partitioning (JSON), a graph.txt of PipeDream, or "nasnet" for the wide graph that
 * partition-workloads.ts makes. --copies puts perturbed copies one after the other; --methods adds other tools' cuts.
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { PipewrightError } from "../compiler/errors.js";
import { likePipeDream, likeSageMaker, likeTorchGpipe } from "../compiler/partition/comparison.js";
import { evaluate, violations } from "../compiler/partition/evaluate.js";
import { readDevicePlacement } from "../compiler/partition/formats/device-placement.js";
import { readPipeDream } from "../compiler/partition/formats/pipedream.js";
import { partition } from "../compiler/partition/partition.js";
import type { PartitionProblem } from "../compiler/partition/problem.js";
import { threadedHighs } from "../runtime/solver/highs-thread.js";
import { nasnetLarge, serialCopies } from "./partition-workloads.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    stages: { type: "string", default: "4" },
    model: { type: "string", default: "direct" },
    gap: { type: "string", default: "1e-4" },
    "time-limit": { type: "string", default: "120" },
    copies: { type: "string", default: "1" },
    methods: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

const stageCount = Number(values.stages);
const copies = Number(values.copies);
if (positionals.length === 0 || !(stageCount >= 1) || !(copies >= 1) || !["direct", "relay"].includes(values.model)) {
  console.error(
    "usage: bench:partition -- FILE... --stages K [--model direct|relay] [--time-limit S] [--copies N] [--methods] [--json]",
  );
  process.exit(2);
}

function read(file: string): PartitionProblem {
  if (file === "nasnet") return nasnetLarge(stageCount);
  const text = readFileSync(file, "utf8");
  const reader = text.trimStart().startsWith("{") ? readDevicePlacement : readPipeDream;
  return reader(text, stageCount, basename(file));
}

async function measure(file: string): Promise<void> {
  const single: PartitionProblem = { ...read(file), model: values.model === "relay" ? "relay" : "direct" };
  const problem = copies > 1 ? serialCopies(single, copies) : single;
  const startMs = performance.now();
  const before = process.cpuUsage();
  const {
    stageOf,
    certificate,
    solver: method,
  } = await partition(problem, {
    solver,
    gap: Number(values.gap),
    timeLimitMs: 1000 * Number(values["time-limit"]),
    nowMs: () => performance.now(),
    onFault: (fault) => console.error(fault),
  });
  const seconds = Math.round(performance.now() - startMs) / 1000;
  const cpuSeconds = Math.round(process.cpuUsage(before).user / 1000) / 1000;
  const { bottleneckMs } = evaluate(problem, stageOf);
  const agrees = bottleneckMs === certificate.bottleneckMs && violations(problem, stageOf).length === 0;
  const { boundMs: bound, gap, status } = certificate;
  const others = values.methods
    ? {
        others: {
          smp: evaluate(problem, likeSageMaker(problem, 0.2)).bottleneckMs,
          pipedream: evaluate(problem, likePipeDream(problem)).bottleneckMs,
          torchgpipe: evaluate(problem, likeTorchGpipe(problem)).bottleneckMs,
        },
      }
    : {};
  const blocks = problem.graph.blocks.length;
  const result = {
    file: basename(file),
    stages: stageCount,
    model: problem.model,
    blocks,
    maxLoad: bottleneckMs,
    bound,
    gap,
    status,
    method,
    seconds,
    cpuSeconds,
    agrees,
    ...others,
  };
  if (values.json) {
    console.log(JSON.stringify(result));
    return;
  }
  const compared = Object.entries(others.others ?? {}).map(
    ([name, ms]) => ` ${name} +${((100 * ms) / bottleneckMs - 100).toFixed(1)} %`,
  );
  console.log(
    `${result.file.padEnd(40)} k=${stageCount} n=${blocks} load ${bottleneckMs.toFixed(4)} bound ${bound.toFixed(4)} gap ${(100 * gap).toFixed(3)} % ` +
      `${status} by ${method} ${seconds} s (${cpuSeconds} s of processor)${agrees ? "" : " DISAGREES"}${compared.join("")}`,
  );
}

const solver = threadedHighs();
for (const file of positionals)
  try {
    await measure(file);
  } catch (error) {
    if (!(error instanceof PipewrightError)) throw error;
    console.error(`${file}: ${error.message}`);
    process.exitCode = error.exitCode;
  }
await solver.close();
