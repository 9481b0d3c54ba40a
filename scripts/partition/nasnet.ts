/** @file A wide workload made in code: a NASNet-A-large look-alike as a graph.txt of PipeDream's profiler. */
import { generator } from "./serial-copies.js";

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
export function nasnetLarge(): string {
  const random = generator(7);
  const nodes: string[] = [];
  const edges: string[] = [];
  const layer = (
    name: string,
    inputs: readonly Tensor[],
    channels: number,
    side: number,
    flops: number,
    parameters = 0,
  ): Tensor => {
    const index = nodes.length;
    const elements = BATCH * channels * side * side;
    const moved = 4 * (elements + inputs.reduce((sum, t) => sum + BATCH * t.channels * t.side * t.side, 0));
    const ms = (Math.max((flops * BATCH) / FLOPS_PER_MS, moved / BYTES_PER_MS) + KERNEL_MS) * (0.9 + 0.2 * random());
    const backwardMs = parameters > 0 ? 2 * ms : ms;
    nodes.push(
      `node${index} -- ${name} -- forward_compute_time=${ms}, backward_compute_time=${backwardMs}, ` +
        `activation_size=${4 * elements}, parameter_size=${4 * parameters}`,
    );
    for (const t of new Set(inputs)) edges.push(`\tnode${t.block} -- node${index}`);
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

  return `${[...nodes, ...edges].join("\n")}\n`;
}
