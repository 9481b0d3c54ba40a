/**
 * @file Time of typical ops, forward and backward, on one thread of the engine:
 * `bench-ops [--json] [--filter TEXT] [--nodes]`. The backward time is that of all gradients together. Times are CPU
 * time of this process, least of many rounds in which forward and backward take turns: other work on the machine
 * disturbs them little. `analytic` is the measured time over the one that `--analytic` costs say. `--nodes` adds the
 * slowest backward nodes of each op. Exits with 1 if a backward takes longer than promised and no reason is listed.
 */
import { parseArgs } from "node:util";
import type { Value } from "../compiler/ir/graph.js";
import { elementCount, literalOf } from "../compiler/ir/literal.js";
import { exportProgram } from "../compiler/onnx/export.js";
import type { ProgramParts } from "../compiler/onnx/export.js";
import { RandomStream } from "../compiler/random.js";
import type { Buffer } from "../runtime/engine/engine.js";
import { createOrtEngine } from "../runtime/engine/ort/ort-engine.js";
import type { BenchCase, BenchInput } from "./ops/case.js";
import { BENCH_CASES, LIMIT } from "./ops/cases.js";
import { flopsOf, predictedMs } from "./ops/prediction.js";
import { programsOf } from "./ops/programs.js";
import { REASONS } from "./ops/reasons.js";
import { leastCpuMs } from "./ops/timing.js";

/** Runs that the slowest nodes are the least of. */
const NODE_RUNS = 7;
/** Measured over analytic time further than this from the middle counts as off. */
const OFF = 3;

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    filter: { type: "string", default: "" },
    nodes: { type: "boolean", default: false },
  },
});

const engine = createOrtEngine();

interface Row {
  readonly name: string;
  readonly forwardMs: number;
  readonly backwardMs: number;
  readonly ratio: number;
  /** Promised for the ratio. */
  readonly limit?: number;
  /** Why the ratio is above LIMIT. */
  readonly reason?: string;
  /** Of the forward, and of the backward over the arithmetic of the forward. */
  readonly forwardGflops: number;
  readonly backwardGflops: number;
  /** Measured over analytic time. */
  readonly analytic: { readonly forward: number; readonly backward: number };
  readonly slowest?: readonly string[];
}

function elementsOf({ name, type }: Value, input: BenchInput | undefined): Uint8Array {
  const stream = new RandomStream(1, name);
  const draw = (): number => (input?.below === undefined ? stream.normal() : stream.below(input.below));
  const numbers = Array.from({ length: elementCount(type.shape) }, draw);
  const { elements } = literalOf(type.dtype as BenchInput["dtype"], type.shape, numbers);
  const { buffer, byteOffset, byteLength } = elements as Float32Array;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Loads a program and binds it to the tensors of its values, which are allocated where they are missing. */
function bound(parts: ProgramParts, tensors: Map<string, Buffer>) {
  for (const value of parts.outputs) tensors.set(value.name, tensors.get(value.name) ?? engine.allocate(value.type));
  const named = (values: readonly Value[]) => new Map(values.map(({ name }) => [name, tensors.get(name)!]));
  const [inputs, outputs, model] = [named(parts.inputs), named(parts.outputs), exportProgram(parts)];
  const program = engine.load(model);
  return { model, inputs, outputs, program, binding: program.bind(inputs, outputs) };
}

async function measure(one: BenchCase): Promise<Row> {
  const { forward, backward, fed } = programsOf(one);
  const tensors = new Map<string, Buffer>();
  for (const [value, input] of fed) {
    const buffer = engine.allocate(value.type);
    engine.write(buffer, elementsOf(value, input));
    tensors.set(value.name, buffer);
  }
  const loaded = [bound(forward, tensors), bound(backward, tensors)] as const;
  const [forwardMs, backwardMs] = leastCpuMs(loaded.map(({ binding }) => binding)) as readonly [number, number];
  const { model, inputs, outputs } = loaded[1];
  const nodes = options.nodes ? await engine.timeNodes(model, inputs, outputs, NODE_RUNS) : undefined;
  for (const { binding, program } of loaded) {
    binding.free();
    program.free();
  }
  for (const buffer of tensors.values()) buffer.free();

  const [ratio, flops, reason] = [backwardMs / forwardMs, flopsOf(forward), REASONS.get(one.name)];
  return {
    name: one.name,
    forwardMs,
    backwardMs,
    ratio,
    ...(one.limit === undefined ? {} : { limit: one.limit }),
    ...(ratio > LIMIT && reason !== undefined ? { reason } : {}),
    forwardGflops: flops / forwardMs / 1e6,
    backwardGflops: flops / backwardMs / 1e6,
    analytic: { forward: forwardMs / predictedMs(forward), backward: backwardMs / predictedMs(backward) },
    ...(nodes && {
      slowest: [...nodes]
        .sort(([, a], [, b]) => b - a)
        .slice(0, 8)
        .map(([name, ms]) => `${name} ${ms.toFixed(3)}`),
    }),
  };
}

function print({ name, forwardMs, backwardMs, ratio, analytic, slowest = [], ...row }: Row): void {
  const cells = [
    forwardMs.toFixed(3).padStart(10),
    backwardMs.toFixed(3).padStart(12),
    `${ratio.toFixed(2)}${row.limit !== undefined && ratio > row.limit ? "!" : " "}`.padStart(7),
    row.forwardGflops.toFixed(1).padStart(12),
    row.backwardGflops.toFixed(1).padStart(9),
    analytic.forward.toFixed(2).padStart(11),
    analytic.backward.toFixed(2).padStart(8),
  ];
  console.log(name.padEnd(44), ...cells);
  for (const line of slowest) console.log(`    ${line}`);
}

/** Promises kept and not, reasons, and the spread of the analytic costs. */
function summarize(rows: readonly Row[]): void {
  const promised = rows.filter(({ limit }) => limit !== undefined);
  const kept = promised.filter(({ ratio, limit }) => ratio <= limit!);
  console.log(`\n${kept.length} of ${promised.length} backwards that promise it take at most ${LIMIT} forwards.`);
  console.log(`Above ${LIMIT}:`);
  for (const { name, ratio, limit, reason } of rows) {
    if (ratio <= LIMIT) continue;
    console.log(`  ${name} ${ratio.toFixed(2)}: ${reason ?? (limit === undefined ? "nothing promised" : "NO REASON")}`);
  }
  const shares = rows.flatMap(({ name, analytic }) => [
    { name: `${name} forward`, share: analytic.forward },
    { name: `${name} backward`, share: analytic.backward },
  ]);
  const middle = shares.map(({ share }) => share).sort((a, b) => a - b)[shares.length >> 1] ?? 1;
  const off = shares.filter(({ share }) => share > OFF * middle || share < middle / OFF);
  console.log(
    `\nMeasured over analytic time: ${middle.toFixed(2)} in the middle; off by more than ${OFF} times from it:`,
  );
  for (const { name, share } of off) console.log(`  ${name} ${(share / middle).toFixed(2)}`);
}

const rows: Row[] = [];
if (!options.json) {
  console.log(`${"op".padEnd(44)} forward ms  backward ms   ratio  GFLOP/s fwd       bwd  analytic fwd     bwd`);
}
for (const one of BENCH_CASES.filter(({ name }) => name.includes(options.filter))) {
  const row = await measure(one);
  rows.push(row);
  if (!options.json) print(row);
}
engine.close();
if (options.json) console.log(JSON.stringify(rows));
else summarize(rows);
if (rows.some(({ ratio, limit, reason }) => limit !== undefined && ratio > limit && reason === undefined)) {
  process.exitCode = 1;
}
