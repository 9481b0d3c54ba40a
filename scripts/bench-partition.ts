/**
 * @file Partitions published workloads and reports load, bound, gap and time.
 *
 *   npm run -s bench:partition -- FILE... --stages K [--model direct|relay] [--gap G] [--time-limit S] [--json]
 *     [--stages-per-device V] [--repeat N --perturb P --seed S] [--methods [--memory-weight W]]
 *   npm run -s bench:partition -- --measured [--rounds N] [--json]
 *
 * --stages counts devices; with --stages-per-device each holds V stages, one of each pass over the devices.
 * --measured takes no file: it trains the bench models and prints predictions and what was measured.
 *
 * FILE is a workload of msr-fiddle/dnn-partitioning (JSON), a graph.txt of PipeDream, or "nasnet" for the wide graph that
 * partition/nasnet.ts makes. --repeat puts perturbed copies one after the other; --methods prints a table against the
 * cuts of other tools. Every load is counted a second time from the file (partition/recheck.ts); `agrees` says whether
 * both counts are the same and all rules are kept. Where others know the exact optimum (partition/optima.ts), `optimum`
 * is that and `isOptimum` says whether the load equals it.
 */
import { parseArgs } from "node:util";
import { PipewrightError } from "../compiler/errors.js";
import { cutLike } from "../compiler/partition/comparison/methods.js";
import { OTHER_METHODS } from "../compiler/partition/method-names.js";
import { evaluate } from "../compiler/partition/evaluate.js";
import { partition } from "../compiler/partition/partition.js";
import { benchMeasured } from "./bench-measured.js";
import { threadedHighs } from "../runtime/solver/highs-thread.js";
import { equalsOptimum, knownOptimum } from "./partition/optima.js";
import { loadWorkload, problemOf, recheck } from "./partition/workload.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    stages: { type: "string", default: "4" },
    model: { type: "string", default: "direct" },
    gap: { type: "string", default: "1e-4" },
    "time-limit": { type: "string", default: "120" },
    "stages-per-device": { type: "string", default: "1" },
    repeat: { type: "string", default: "1" },
    perturb: { type: "string", default: "0" },
    seed: { type: "string", default: "42" },
    methods: { type: "boolean", default: false },
    "memory-weight": { type: "string", default: "0.2" },
    measured: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    json: { type: "boolean", default: false },
  },
});

const stageCount = Number(values.stages);
const copies = Number(values.repeat);
const perDevice = Number(values["stages-per-device"]);
const model = values.model === "relay" ? "relay" : "direct";
const isLooped = perDevice > 1;
const isUsable = stageCount >= 1 && copies >= 1 && perDevice >= 1 && !(isLooped && model === "relay");
if ((positionals.length === 0 && !values.measured) || !isUsable || values.model !== model) {
  console.error(
    "usage: bench:partition -- FILE... --stages K [--model direct|relay] [--gap G] [--time-limit S] [--json]\n" +
      "  [--stages-per-device V] [--repeat N --perturb P --seed S] [--methods [--memory-weight W]]",
  );
  process.exit(2);
}

if (values.measured) {
  await benchMeasured(Number(values.rounds), values.json);
  process.exit(0);
}

/** Counts of the same load that differ by more than rounding. */
const ROUNDING = 1e-9;

const solver = threadedHighs();

async function measure(file: string): Promise<void> {
  const workload = loadWorkload(file, { copies, perturb: Number(values.perturb), seed: Number(values.seed) });
  const problem = problemOf(workload, stageCount, model, perDevice);
  const startMs = performance.now();
  const before = process.cpuUsage();
  const faults: string[] = [];
  const cut = await partition(problem, {
    solver,
    gap: Number(values.gap),
    timeLimitMs: 1000 * Number(values["time-limit"]),
    nowMs: () => performance.now(),
    onFault: (fault) => faults.push(fault),
  });
  const seconds = Math.round(performance.now() - startMs) / 1000;
  const cpuSeconds = Math.round(process.cpuUsage(before).user / 1000) / 1000;
  const { bottleneckMs: maxLoad, boundMs: bound, ownBoundMs: ownBound, gap, status } = cut.certificate;
  const second = recheck(workload, problem, cut.stageOf);
  const agrees = Math.abs(second.maxLoad - maxLoad) <= ROUNDING * maxLoad && second.broken.length === 0;
  const optimum = knownOptimum(workload.text, problem);
  const isOptimum = optimum !== undefined && equalsOptimum(maxLoad, optimum);
  const others = (values.methods ? OTHER_METHODS : []).map((method) => {
    const { stageOf, instead } = cutLike(method, problem, Number(values["memory-weight"]));
    return { method, ms: evaluate(problem, stageOf).bottleneckMs, instead };
  });
  const replaced = others.flatMap(({ method, instead }) => (instead === undefined ? [] : [`${method}: ${instead}`]));
  const result = {
    file: workload.name,
    stages: stageCount,
    stagesPerDevice: perDevice,
    model,
    blocks: problem.graph.blocks.length,
    maxLoad,
    bound,
    ownBound,
    gap,
    status,
    method: cut.solver,
    seconds,
    cpuSeconds,
    agrees,
    ...(optimum === undefined ? {} : { optimum, isOptimum }),
    ...(agrees ? {} : { second }),
    ...(faults.length > 0 ? { faults } : {}),
    ...(values.methods ? { others: Object.fromEntries(others.map(({ method, ms }) => [method, ms])), replaced } : {}),
  };
  if (values.json) {
    console.log(JSON.stringify(result));
    return;
  }
  if (values.methods) {
    const cells = others.map(({ ms }) => `${ms.toFixed(4)} (+${((100 * ms) / maxLoad - 100).toFixed(1)} %)`);
    console.log(row(workload.name, [maxLoad.toFixed(4), bound.toFixed(4), ...cells]));
    for (const text of replaced) console.log(`  ${text}`);
    return;
  }
  console.log(
    `${workload.name.padEnd(40)} k=${stageCount} n=${result.blocks} load ${maxLoad.toFixed(4)} bound ${bound.toFixed(4)} ` +
      `gap ${(100 * gap).toFixed(3)} % ${status} by ${cut.solver} ${seconds} s (${cpuSeconds} s of processor)` +
      `${agrees ? ", second count agrees" : ` SECOND COUNT ${JSON.stringify(second)}`}` +
      `${optimum === undefined ? "" : isOptimum ? ", equals the known optimum" : `, KNOWN OPTIMUM ${optimum}`}${faults.map((f) => `; ${f}`).join("")}`,
  );
}

function row(name: string, cells: readonly string[]): string {
  return [name.padEnd(40), ...cells.map((cell) => cell.padStart(22))].join(" ");
}

if (values.methods && !values.json)
  console.log(row(`largest load, ${stageCount} stages, ${model}`, ["pipewright", "bound", ...OTHER_METHODS]));
for (const file of positionals)
  try {
    await measure(file);
  } catch (error) {
    if (!(error instanceof PipewrightError)) throw error;
    console.error(`${file}: ${error.message}`);
    process.exitCode = error.exitCode;
  }
await solver.close();
