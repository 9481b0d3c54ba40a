/**
 * @file Partitions published workloads and reports load, bound, gap and time.
 *
 *   npm run -s bench:partition -- FILE... --stages K [--model direct|relay] [--time-limit S] [--json]
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { evaluate, violations } from "../compiler/partition/evaluate.js";
import { readDevicePlacement } from "../compiler/partition/formats/device-placement.js";
import { readPipeDream } from "../compiler/partition/formats/pipedream.js";
import { partition } from "../compiler/partition/partition.js";
import type { PartitionProblem } from "../compiler/partition/problem.js";
import { threadedHighs } from "../runtime/solver/highs-thread.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    stages: { type: "string", default: "4" },
    model: { type: "string", default: "direct" },
    gap: { type: "string", default: "1e-4" },
    "time-limit": { type: "string", default: "120" },
    json: { type: "boolean", default: false },
  },
});

function read(file: string, stages: number): PartitionProblem {
  const text = readFileSync(file, "utf8");
  const reader = text.trimStart().startsWith("{") ? readDevicePlacement : readPipeDream;
  return reader(text, stages, basename(file));
}

const model = values.model === "relay" ? "relay" : "direct";
const solver = threadedHighs();
for (const file of positionals) {
  const problem: PartitionProblem = { ...read(file, Number(values.stages)), model };
  const startMs = performance.now();
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
  const seconds = (performance.now() - startMs) / 1000;
  const { bottleneckMs } = evaluate(problem, stageOf);
  const result = {
    file: basename(file),
    stages: problem.stages.length,
    model,
    blocks: problem.graph.blocks.length,
    maxLoad: bottleneckMs,
    bound: certificate.boundMs,
    gap: certificate.gap,
    status: certificate.status,
    method,
    seconds: Math.round(seconds * 1000) / 1000,
    agrees: bottleneckMs === certificate.bottleneckMs && violations(problem, stageOf).length === 0,
  };
  if (values.json) console.log(JSON.stringify(result));
  else
    console.log(
      `${result.file.padEnd(40)} k=${result.stages} n=${result.blocks} load ${bottleneckMs.toFixed(4)} bound ${result.bound.toFixed(4)} ` +
        `gap ${(100 * result.gap).toFixed(3)} % ${result.status} by ${method} ${seconds.toFixed(2)} s${result.agrees ? "" : " DISAGREES"}`,
    );
}
await solver.close();
