/**
 * @file Time of typical ops, forward and backward, on one thread of the engine: `bench-ops [--json] [--filter TEXT] [--nodes]`.
 * The backward time is that of all gradients together. `--nodes` adds the slowest backward nodes of each op.
 * CPU time of this process, least of many runs: other work on the machine disturbs it little.
 */
import { parseArgs } from "node:util";
import { differentiate } from "../compiler/autodiff/differentiate.js";
import { GraphBuilder } from "../compiler/ir/builder.js";
import type { Node, Value } from "../compiler/ir/graph.js";
import { elementCount, literalOf } from "../compiler/ir/literal.js";
import type { ProgramParts } from "../compiler/onnx/export.js";
import { exportProgram } from "../compiler/onnx/export.js";
import type { OpDef } from "../compiler/ops/define.js";
import { OPS } from "../compiler/ops/registry.js";
import { RandomStream } from "../compiler/random.js";
import type { Buffer } from "../runtime/engine/engine.js";
import { createOrtEngine } from "../runtime/engine/ort/ort-engine.js";
import type { BenchInput } from "./bench-ops-cases.js";
import { BENCH_CASES } from "./bench-ops-cases.js";

/** CPU time spent on each measurement, samples at least, and CPU time of one sample at least. */
const BUDGET_MS = 400;
const LEAST_SAMPLES = 7;
const SAMPLE_MS = 1;
const WARMUPS = 2;

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
  readonly forwardGflops: number;
  readonly slowest: readonly string[];
}

function elementsOf(value: Value, input: BenchInput | undefined): Uint8Array {
  const stream = new RandomStream(1, value.name);
  const numbers = Array.from({ length: elementCount(value.type.shape) }, (_, at) =>
    input?.below === undefined ? (value.type.dtype === "float32" ? stream.normal() : at) : stream.below(input.below),
  );
  const { elements } = literalOf(value.type.dtype, value.type.shape, numbers);
  const { buffer, byteOffset, byteLength } = elements as Float32Array;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Least CPU time of one run. Buffers of `tensors` are read, and written for the outputs. */
async function time(
  parts: ProgramParts,
  tensors: Map<string, Buffer>,
): Promise<{ ms: number; nodes: ReadonlyMap<string, number> }> {
  const model = exportProgram(parts);
  const program = engine.load(model);
  const outputs = new Map<string, Buffer>();
  for (const value of parts.outputs) {
    const buffer = engine.allocate(value.type);
    outputs.set(value.name, buffer);
    tensors.set(value.name, buffer);
  }
  const inputs = new Map(parts.inputs.map(({ name }) => [name, tensors.get(name)!]));
  const binding = program.bind(inputs, outputs);
  for (let run = 0; run < WARMUPS; run++) binding.run();
  const timed = (runs: number): number => {
    const before = cpuMs();
    for (let run = 0; run < runs; run++) binding.run();
    return cpuMs() - before;
  };
  // The clock is too coarse for one run of a small op.
  let runs = 1;
  while (timed(runs) < SAMPLE_MS) runs *= 2;
  let least = Infinity;
  for (let sample = 0, spent = 0; sample < LEAST_SAMPLES || spent < BUDGET_MS; sample++) {
    const own = timed(runs);
    least = Math.min(least, own / runs);
    spent += own;
  }
  const nodes = options.nodes
    ? await engine.timeNodes(model, inputs, outputs, LEAST_SAMPLES)
    : new Map<string, number>();
  binding.free();
  program.free();
  return { ms: least, nodes };
}

/** The nodes as a program that computes `outputs` from whatever it does not make. */
function partsOf(nodes: readonly Node[], outputs: readonly Value[]): ProgramParts {
  const made = new Set(nodes.flatMap((node) => node.outputs.map((value) => value?.id)));
  const inputs = new Map<number, Value>();
  for (const value of nodes.flatMap((node) => node.inputs)) {
    if (value && !value.literal && !made.has(value.id)) inputs.set(value.id, value);
  }
  return { name: "bench", inputs: [...inputs.values()], outputs, nodes };
}

async function measure({ name, op, inputs, attrs, outputs = 1, wrt }: (typeof BENCH_CASES)[number]): Promise<Row> {
  const builder = new GraphBuilder(OPS);
  const tensors = new Map<string, Buffer>();
  const operands = inputs.map((input, index) => {
    if (input.numbers) return builder.literal(literalOf(input.dtype, input.shape, input.numbers));
    const value = builder.input(`x${index}`, input);
    const buffer = engine.allocate(value.type);
    engine.write(buffer, elementsOf(value, input));
    tensors.set(value.name, buffer);
    return value;
  });
  const names = Array.from({ length: outputs }, (_, index) => `y${index}`);
  const node = builder.node(op, operands, (attrs ?? {}) as never, { outputs: names });
  const y = node.outputs.map((value) => value!);
  const graph = builder.build("bench", y);
  const differentiated = operands.filter(
    (value, at) => wrt?.includes(at) ?? (!value.literal && value.type.dtype === "float32"),
  );
  const full = differentiate(graph, OPS, { seeds: [{ output: y[0]!, upstream: "dy" }], wrt: differentiated });
  const dy = engine.allocate(y[0]!.type);
  engine.write(dy, elementsOf({ ...y[0]!, name: "dy" }, undefined));
  tensors.set("dy", dy);
  const backwardNodes = full.graph.nodes.filter((own) => full.phase.get(own.id) !== "F");
  const grads = full.inputGrads.map(({ grad }) => grad).filter(({ name: own }) => own !== "dy");
  const forward = await time(partsOf(graph.nodes, y), tensors);
  const backward = await time(partsOf(backwardNodes, grads), tensors);
  const work = (OPS[op] as unknown as OpDef<"Add">).work(
    operands.map(({ type }) => type),
    y.map(({ type }) => type),
    node.attrs as never,
  );
  for (const buffer of new Set(tensors.values())) buffer.free();
  const slowest = [...backward.nodes].sort(([, a], [, b]) => b - a).slice(0, 8);
  return {
    name,
    forwardMs: forward.ms,
    backwardMs: backward.ms,
    ratio: backward.ms / forward.ms,
    forwardGflops: work.flops / forward.ms / 1e6,
    slowest: slowest.map(([own, ms]) => `${own} ${ms.toFixed(3)}`),
  };
}

const rows: Row[] = [];
if (!options.json) console.log("op".padEnd(44), "forward ms  backward ms  ratio  forward GFLOP/s");
for (const one of BENCH_CASES.filter(({ name }) => name.includes(options.filter))) {
  const row = await measure(one);
  rows.push(row);
  if (options.json) continue;
  const { name, forwardMs, backwardMs, ratio, forwardGflops } = row;
  const cells = [forwardMs.toFixed(3).padStart(10), backwardMs.toFixed(3).padStart(12), ratio.toFixed(2).padStart(6)];
  console.log(name.padEnd(44), ...cells, forwardGflops.toFixed(1).padStart(8));
  for (const line of row.slowest) console.log(`    ${line}`);
}
if (options.json)
  console.log(JSON.stringify(rows.map(({ slowest, ...row }) => (options.nodes ? { ...row, slowest } : row))));
engine.close();
