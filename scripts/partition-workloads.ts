/** @file Large partition workloads made in code: a NASNet-A-large look-alike, and serial copies of any workload. */
import type { Block, Net, PartitionProblem } from "../compiler/partition/problem.js";

/** Numbers in [0, 1) from a seed (Numerical Recipes' generator). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

/** Device of the synthetic profile: 8 TFLOP/s dense, 600 GB/s memory, 10 µs a kernel; images per microbatch. */
const FLOPS_PER_MS = 8e9;
const BYTES_PER_MS = 600e6;
const KERNEL_MS = 0.01;
const BATCH = 16;

interface Tensor {
  readonly block: number;
  readonly channels: number;
  readonly side: number;
}

/**
 * NASNet-A (6 @ 4032) of Zoph et al. 2018, one block a layer, in the layout that PipeDream's profiler sees: two stem cells,
 * three runs of six normal cells with a reduction cell between runs. About 1,250 blocks, wide: each cell has five pairs
 * of branches and reads the two cells before it. Times are a roofline with ±10 % noise.
 */
export function nasnetLarge(stages: number): PartitionProblem {
  const random = generator(7);
  const blocks: Block[] = [];
  const readers: number[][] = [];
  const bytes: number[] = [];
  const layer = (
    name: string,
    inputs: readonly Tensor[],
    channels: number,
    side: number,
    flops: number,
    parameters = 0,
  ): Tensor => {
    const index = blocks.length;
    const elements = BATCH * channels * side * side;
    const moved = 4 * (elements + inputs.reduce((sum, t) => sum + BATCH * t.channels * t.side * t.side, 0));
    const ms = (Math.max((flops * BATCH) / FLOPS_PER_MS, moved / BYTES_PER_MS) + KERNEL_MS) * (0.9 + 0.2 * random());
    blocks.push({
      index,
      name: `${name}_${index}`,
      nodes: [index],
      forwardMs: ms,
      inputGradMs: ms,
      weightGradMs: parameters > 0 ? ms : 0,
      parameterBytes: 4 * parameters,
      residentBytes: 16 * parameters,
      stashBytes: 4 * elements,
    });
    readers.push([]);
    bytes.push(4 * elements);
    for (const t of inputs) readers[t.block]!.push(index);
    return { block: index, channels, side };
  };
  const relu = (x: Tensor): Tensor => layer("relu", [x], x.channels, x.side, 0);
  const norm = (x: Tensor): Tensor => layer("norm", [x], x.channels, x.side, 0, 2 * x.channels);
  const pointwise = (x: Tensor, channels: number, stride = 1): Tensor => {
    const side = Math.ceil(x.side / stride);
    return layer("conv1", [x], channels, side, 2 * x.channels * channels * side * side, x.channels * channels);
  };
  const depthwise = (x: Tensor, kernel: number, stride: number): Tensor => {
    const side = Math.ceil(x.side / stride);
    return layer(
      "depthwise",
      [x],
      x.channels,
      side,
      2 * kernel * kernel * x.channels * side * side * 8,
      kernel * kernel * x.channels,
    );
  };
  const separable = (x: Tensor, channels: number, kernel: number, stride = 1): Tensor => {
    const once = norm(pointwise(depthwise(relu(x), kernel, stride), channels));
    return norm(pointwise(depthwise(relu(once), kernel, 1), channels));
  };
  const pool = (x: Tensor, stride = 1): Tensor => layer("pool", [x], x.channels, Math.ceil(x.side / stride), 0);
  const add = (a: Tensor, b: Tensor): Tensor => layer("add", [a, b], a.channels, a.side, 0);
  const concat = (parts: readonly Tensor[]): Tensor =>
    layer(
      "concat",
      parts,
      parts.reduce((sum, t) => sum + t.channels, 0),
      parts[0]!.side,
      0,
    );
  const squeeze = (x: Tensor, channels: number, side: number): Tensor =>
    norm(pointwise(relu(x), channels, Math.max(1, Math.round(x.side / side))));

  const normalCell = (x: Tensor, previous: Tensor, channels: number): Tensor => {
    const left = squeeze(previous, channels, x.side);
    const right = squeeze(x, channels, x.side);
    return concat([
      left,
      add(separable(right, channels, 5), separable(left, channels, 3)),
      add(separable(left, channels, 5), separable(left, channels, 3)),
      add(pool(right), left),
      add(pool(left), pool(left)),
      add(separable(right, channels, 3), right),
    ]);
  };
  const reductionCell = (x: Tensor, previous: Tensor, channels: number): Tensor => {
    const left = squeeze(previous, channels, x.side);
    const right = squeeze(x, channels, x.side);
    const first = add(separable(right, channels, 5, 2), separable(left, channels, 7, 2));
    const second = add(pool(right, 2), separable(left, channels, 7, 2));
    const third = add(pool(right, 2), separable(left, channels, 5, 2));
    return concat([second, third, add(pool(first), second), add(separable(first, channels, 3), pool(right, 2))]);
  };

  const image = layer("input", [], 3, 331, 0);
  const stem = norm(layer("conv3", [image], 96, 165, 2 * 27 * 96 * 165 * 165, 27 * 96));
  let previous: Tensor = stem;
  let current = reductionCell(stem, stem, 42);
  [previous, current] = [current, reductionCell(current, previous, 84)];
  for (const channels of [168, 336, 672]) {
    if (channels > 168) [previous, current] = [current, reductionCell(current, previous, channels)];
    for (let cell = 0; cell < 6; cell++) [previous, current] = [current, normalCell(current, previous, channels)];
  }
  const pooled = layer("pool", [relu(current)], current.channels, 1, 0);
  layer("linear", [pooled], 1000, 1, 2 * pooled.channels * 1000, pooled.channels * 1000);

  const nets: Net[] = [];
  readers.forEach((consumers, producer) => {
    const distinct = [...new Set(consumers)];
    if (distinct.length > 0)
      nets.push({ producer, consumers: distinct, forwardBytes: bytes[producer]!, gradBytes: bytes[producer]! });
  });
  return {
    graph: { blocks, nets },
    model: "relay",
    stages: Array.from({ length: stages }, () => ({ speed: 1, inFlight: 1 })),
    link: { latencyMs: 0, bytesPerMs: 25e6 },
    emptyStages: true,
  };
}

/**
 * `copies` of the problem's graph one after the other, times and tensors perturbed by ±20 %: the sinks of a copy feed the
 * sources of the next through one tensor, a quarter of the largest. Memory is not limited.
 */
export function serialCopies(problem: PartitionProblem, copies: number): PartitionProblem {
  const random = generator(42);
  const { blocks, nets } = problem.graph;
  const size = blocks.length;
  const fed = new Uint8Array(size);
  const feeds = new Uint8Array(size);
  for (const net of nets) {
    if (net.ordered === false) continue;
    feeds[net.producer] = 1;
    for (const v of net.consumers) fed[v] = 1;
  }
  const sources = [...blocks.keys()].filter((v) => fed[v] === 0);
  const sinks = [...blocks.keys()].filter((v) => feeds[v] === 0);
  const work = (v: number): number => blocks[v]!.forwardMs + blocks[v]!.inputGradMs + blocks[v]!.weightGradMs;
  const heaviest = sinks.reduce((a, b) => (work(b) > work(a) ? b : a));
  const largest = Math.max(...nets.map((net) => net.forwardBytes + net.gradBytes)) / 8;
  const noisy = (x: number, factor: number): number => x * factor;
  const outBlocks: Block[] = [];
  const outNets: Net[] = [];
  for (let copy = 0; copy < copies; copy++) {
    const base = copy * size;
    for (const b of blocks) {
      const factor = 0.8 + 0.4 * random();
      outBlocks.push({
        ...b,
        index: base + b.index,
        nodes: [base + b.index],
        forwardMs: noisy(b.forwardMs, factor),
        inputGradMs: noisy(b.inputGradMs, factor),
        weightGradMs: noisy(b.weightGradMs, factor),
      });
    }
    for (const net of nets) {
      const factor = 0.8 + 0.4 * random();
      outNets.push({
        ...net,
        producer: base + net.producer,
        consumers: net.consumers.map((v) => base + v),
        forwardBytes: noisy(net.forwardBytes, factor),
        gradBytes: noisy(net.gradBytes, factor),
      });
    }
    if (copy + 1 === copies) continue;
    for (const sink of sinks)
      outNets.push({
        producer: base + sink,
        consumers: sources.map((v) => base + size + v),
        forwardBytes: sink === heaviest ? largest : 0,
        gradBytes: sink === heaviest ? largest : 0,
      });
  }
  const stages = problem.stages.map(({ speed, inFlight }) => ({ speed, inFlight }));
  return { ...problem, stages, graph: { blocks: outBlocks, nets: outNets } };
}
