/**
 * @file Places the nodes of an acyclic graph in layers from top to bottom.
 * Layers by longest path, order within a layer by barycentre sweeps (Sugiyama, Tagawa & Toda 1981), positions by
 * isotonic regression towards the mean of the neighbours (pool adjacent violators). O(sweeps · (edges + n log n)).
 */

/** Edges between nodes 0 … count−1, from[i] → to[i]. Requires: no cycle, from[i] < to[i]. */
export interface LayerGraph {
  readonly count: number;
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** Layer of each node from 0, and its position across in units of one node, from 0 for the leftmost. */
export interface Layers {
  readonly layer: Int32Array;
  readonly across: Float64Array;
  readonly depth: number;
  /** Largest `across`. */
  readonly breadth: number;
}

const SWEEPS = 6;

/** Ensures: nodes of one layer are at least 1 apart; edges lead to later layers. */
export function layerGraph({ count, from, to }: LayerGraph): Layers {
  const before: number[][] = Array.from({ length: count }, () => []);
  const after: number[][] = Array.from({ length: count }, () => []);
  from.forEach((node, at) => {
    after[node]!.push(to[at]!);
    before[to[at]!]!.push(node);
  });
  const layer = new Int32Array(count);
  for (let node = 0; node < count; node++)
    for (const next of after[node]!) layer[next] = Math.max(layer[next]!, layer[node]! + 1);
  for (let node = count - 1; node >= 0; node--)
    if (before[node]!.length === 0 && after[node]!.length > 0)
      layer[node] = Math.min(...after[node]!.map((next) => layer[next]!)) - 1;
  const depth = count === 0 ? 0 : layer.reduce((most, own) => Math.max(most, own)) + 1;
  const rows: number[][] = Array.from({ length: depth }, () => []);
  for (let node = 0; node < count; node++) rows[layer[node]!]!.push(node);
  const across = new Float64Array(count);
  for (const row of rows) row.forEach((node, at) => (across[node] = at - (row.length - 1) / 2));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isDown = sweep % 2 === 0;
    for (const row of isDown ? rows : rows.toReversed()) placeRow(row, across, isDown ? before : after);
  }
  const left = across.reduce((least, own) => Math.min(least, own), Infinity);
  for (let node = 0; node < count; node++) across[node]! -= left;
  const breadth = across.reduce((most, own) => Math.max(most, own), 0);
  return { layer, across, depth, breadth };
}

/** Orders a row by where its neighbours are and puts each node as near to them as the others let it. */
function placeRow(row: number[], across: Float64Array, neighbours: readonly (readonly number[])[]): void {
  const wanted = new Map<number, number>();
  for (const node of row) {
    const near = neighbours[node]!;
    const mean = near.reduce((sum, other) => sum + across[other]!, 0) / near.length;
    wanted.set(node, near.length > 0 ? mean : across[node]!);
  }
  row.sort((a, b) => wanted.get(a)! - wanted.get(b)! || a - b);
  const placed = spread(
    row.map((node) => wanted.get(node)!),
    1,
  );
  row.forEach((node, at) => (across[node] = placed[at]!));
}

/**
 * The positions nearest to `wanted` (least squares) that keep its order and stay `gap` apart.
 * Requires: `wanted` ascends. Pool adjacent violators (Ayer et al. 1955), O(n).
 */
export function spread(wanted: readonly number[], gap: number): readonly number[] {
  const pools: { sum: number; size: number }[] = [];
  wanted.forEach((position, at) => {
    let pool = { sum: position - at * gap, size: 1 };
    while (pools.length > 0 && pools.at(-1)!.sum / pools.at(-1)!.size >= pool.sum / pool.size) {
      const last = pools.pop()!;
      pool = { sum: pool.sum + last.sum, size: pool.size + last.size };
    }
    pools.push(pool);
  });
  return pools.flatMap(({ sum, size }) => new Array<number>(size).fill(sum / size)).map((at, i) => at + i * gap);
}
