/**
 * @file Where a microbatch's time goes inside the engine, by operator, forward and backward together, one thread; with
 * `--peer torch`, the kernels of the same GPT in torch beside it. Then what the optimizer's update takes. Times are the
 * least of the runs.
 * Usage: npm run -s bench:nodes -- [--json] [--model gpt|resnet|mlp] [--runs N] [--peer torch [--python FILE]]
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { withGradientSums } from "../compiler/plan/gradient-sums.js";
import { halvesOf } from "../compiler/plan/halves.js";
import type { Value } from "../compiler/ir/graph.js";
import { parseLoss } from "../compiler/loss/spec.js";
import { exportProgram } from "../compiler/onnx/export.js";
import { OPS } from "../compiler/ops/registry.js";
import { trainingGraph } from "../compiler/training.js";
import { BENCH_GPT } from "../models/gpt.js";
import type { Buffer } from "../runtime/engine/engine.js";
import { nodeEnv } from "../runtime/env/node.js";
import { engineFor } from "../runtime/engine/registry.js";
import { BENCH_MODELS } from "./train/models.js";
import { UPDATED_PARAMETERS, updateMs } from "./train/update-cost.js";

/** Operators and kernels that are matrix products. */
const PRODUCTS: ReadonlySet<string> = new Set([
  "MatMul",
  "Gemm",
  "Conv",
  "ConvTranspose",
  "aten::mm",
  "aten::addmm",
  "aten::bmm",
]);
/** Timed updates, of which the least counts. */
const UPDATE_RUNS = 25;
/** Operators that are listed by themselves. */
const LISTED = 12;
/** As in the peer of bench-train. */
const FIRST_LAYERS = 3;

const { values } = parseArgs({
  options: {
    json: { type: "boolean" },
    model: { type: "string", default: "gpt" },
    runs: { type: "string", default: "10" },
    peer: { type: "string" },
    python: { type: "string", default: "python3" },
  },
});
const bench = BENCH_MODELS[values.model];
if (!bench) throw new Error(`--model ${values.model}: expected ${Object.keys(BENCH_MODELS).join(", ")}`);
if (values.peer !== undefined && (values.peer !== "torch" || values.model !== "gpt"))
  throw new Error("--peer: expected torch, with --model gpt");

type Times = ReadonlyMap<string, number>;

/** ms by operator, of forward and backward with the sums of gradients. */
async function engineTimes(runs: number): Promise<Times> {
  const { built, loss } = bench!.lesson();
  const { differentiated } = trainingGraph(built.graph, OPS, { loss: [parseLoss(loss)] });
  const { differentiated: whole, sums } = withGradientSums(differentiated, OPS);
  const { forward, backward } = halvesOf({ differentiated: whole, sums });
  const engine = engineFor({ kind: "cpu" });
  const buffers = new Map<string, Buffer>();
  const sumOf = new Map(sums.map(({ sum, next }) => [next.name, sum.name]));
  const bufferOf = ({ name, type }: Value): Buffer => {
    const own = sumOf.get(name) ?? name;
    const known = buffers.get(own);
    if (known) return known;
    const buffer = engine.allocate(type);
    const bytes = new Uint8Array(buffer.bytes);
    if (type.dtype === "float32") new Float32Array(bytes.buffer).forEach((_, at, all) => (all[at] = (at % 19) / 100));
    engine.write(buffer, bytes);
    buffers.set(own, buffer);
    return buffer;
  };
  const bound = (list: readonly Value[]): Map<string, Buffer> => new Map(list.map((v) => [v.name, bufferOf(v)]));
  const times = new Map<string, number>();
  for (const half of [forward, backward]) {
    const model = exportProgram({ name: "nodes", ...half });
    const own = await engine.timeNodes(model, bound(half.inputs), bound(half.outputs), runs);
    for (const { name, op } of half.nodes) times.set(op, (times.get(op) ?? 0) + (own.get(name) ?? 0));
  }
  engine.close();
  return times;
}

function torchTimes(runs: number): Times {
  const script = fileURLToPath(new URL("./train/torch-nodes.py", import.meta.url));
  const sizes = JSON.stringify({ ...BENCH_GPT, firstLayers: FIRST_LAYERS });
  const text = execFileSync(values.python, [script, String(runs), sizes], { stdio: ["ignore", "pipe", "ignore"] });
  return new Map(Object.entries(JSON.parse(text.toString()) as Record<string, number>));
}

function tableOf(times: Times) {
  const ms = [...times.values()].reduce((sum, own) => sum + own, 0);
  const productMs = [...times].reduce((sum, [op, own]) => sum + (PRODUCTS.has(op) ? own : 0), 0);
  const others = [...times].filter(([op]) => !PRODUCTS.has(op)).sort(([, a], [, b]) => b - a);
  return { ms, productMs, productShare: productMs / ms, others: Object.fromEntries(others.slice(0, LISTED)) };
}

const runs = Number(values.runs);
const engine = engineFor({ kind: "cpu" });
const update = updateMs(engine, nodeEnv().clock, UPDATE_RUNS);
engine.close();
const report = {
  engine: tableOf(await engineTimes(runs)),
  ...(values.peer === undefined ? {} : { torch: tableOf(torchTimes(runs)) }),
};
if (values.json) console.log(JSON.stringify({ ...report, update }, undefined, 1));
else {
  for (const [name, { ms, productMs, productShare, others }] of Object.entries(report)) {
    console.log(
      `${name}: ${ms.toFixed(1)} ms; products ${productMs.toFixed(1)} (${(100 * productShare).toFixed(1)} %)`,
    );
    for (const [op, own] of Object.entries(others)) console.log(`  ${op.padEnd(52)} ${own.toFixed(2)}`);
  }
  console.log(
    `update of ${(UPDATED_PARAMETERS / 1e6).toFixed(1)} million parameters by AdamW: ${update.bareMs.toFixed(1)} ms; ${update.wholeMs.toFixed(1)} with what is kept and cleared`,
  );
}
