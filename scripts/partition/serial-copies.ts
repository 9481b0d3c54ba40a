/**
 * @file Makes large workloads from small ones, as text of the same format: copies one after the other, times and tensors
 * perturbed. The sinks of a copy feed the sources of the next.
 */

/** How the copies differ. */
export interface CopyOptions {
  readonly copies: number;
  /** Every time and tensor is multiplied by a number drawn from 1 ± this. */
  readonly perturb: number;
  readonly seed: number;
}

/** Numbers in [0, 1) from a seed (Numerical Recipes' generator). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

interface PlacementNode {
  id: number;
  fpgaLatency: number;
  isBackwardNode: boolean | number;
  colorClass?: number;
}

interface PlacementFile {
  nodes: PlacementNode[];
  edges: { sourceId: number; destId: number; cost: number }[];
}

/**
 * Copies of a device-placement workload. The heaviest sink sends a quarter of the largest tensor on, the other sinks only
 * go before. Memory is not limited.
 */
export function copyPlacement(text: string, { copies, perturb, seed }: CopyOptions): string {
  const random = generator(seed);
  const factor = (): number => 1 + perturb * (2 * random() - 1);
  const file = JSON.parse(text) as PlacementFile;
  const above = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), -1) + 1;
  const ids = above(file.nodes.map(({ id }) => id));
  const colors = above(file.nodes.map(({ colorClass }) => colorClass ?? 0));
  const forward = new Set(file.nodes.filter((node) => Number(node.isBackwardNode) === 0).map(({ id }) => id));
  const within = file.edges.filter(({ sourceId, destId }) => forward.has(sourceId) && forward.has(destId));
  const fed = new Set(within.map(({ destId }) => destId));
  const feeding = new Set(within.map(({ sourceId }) => sourceId));
  const sources = file.nodes.filter(({ id }) => forward.has(id) && !fed.has(id));
  const sinks = file.nodes.filter(({ id }) => forward.has(id) && !feeding.has(id));
  const heaviest = sinks.reduce((a, b) => (b.fpgaLatency > a.fpgaLatency ? b : a));
  const passed = file.edges.reduce((most, { cost }) => Math.max(most, cost), 0) / 4;
  const nodes: PlacementNode[] = [];
  const edges: PlacementFile["edges"] = [];
  for (let copy = 0; copy < copies; copy++) {
    const at = (id: number): number => copy * ids + id;
    for (const node of file.nodes)
      nodes.push({
        ...node,
        id: at(node.id),
        fpgaLatency: node.fpgaLatency * factor(),
        ...(node.colorClass === undefined ? {} : { colorClass: copy * colors + node.colorClass }),
      });
    const scale = new Map(file.nodes.map(({ id }) => [id, factor()]));
    const costOf = new Map<number, number>();
    for (const { sourceId, destId, cost } of file.edges) {
      const scaled = cost * scale.get(sourceId)!;
      costOf.set(sourceId, scaled);
      edges.push({ sourceId: at(sourceId), destId: at(destId), cost: scaled });
    }
    if (copy + 1 === copies) continue;
    for (const sink of sinks) {
      const cost = costOf.get(sink.id) ?? (sink === heaviest ? passed : 0);
      for (const source of sources) edges.push({ sourceId: at(sink.id), destId: at(source.id) + ids, cost });
    }
  }
  return JSON.stringify({ ...file, maxSizePerFPGA: Number.MAX_VALUE, nodes, edges });
}

/** Copies of a graph.txt of PipeDream. Sinks send what they make. */
export function copyProfile(text: string, { copies, perturb, seed }: CopyOptions): string {
  const random = generator(seed);
  const factor = (): number => 1 + perturb * (2 * random() - 1);
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const nodes = lines.filter((line) => line.includes("forward_compute_time="));
  const edges = lines
    .filter((line) => !line.includes("forward_compute_time="))
    .map((line) => line.trim().split(" -- ") as [string, string]);
  const names = nodes.map((line) => line.trim().split(" -- ")[0]!);
  const fed = new Set(edges.map(([, to]) => to));
  const feeding = new Set(edges.map(([from]) => from));
  const scaled = (line: string): string => {
    const time = factor();
    const size = factor();
    const times = (list: string, by: number): string =>
      list.replace(/[\d.]+(e[+-]?\d+)?/gi, (x) => `${Number(x) * by}`);
    return line
      .replace(/(forward_compute_time|backward_compute_time)=[^,]+/g, (field) => times(field, time))
      .replace(/activation_size=(\[[^\]]*\]|[^,\s]+)/, (field) => times(field, size));
  };
  const out: string[] = [];
  for (let copy = 0; copy < copies; copy++) {
    for (const line of nodes) out.push(`copy${copy}-${scaled(line.trim())}`);
    for (const [from, to] of edges) out.push(`\tcopy${copy}-${from} -- copy${copy}-${to}`);
  }
  for (let copy = 0; copy + 1 < copies; copy++)
    for (const sink of names.filter((name) => !feeding.has(name)))
      for (const source of names.filter((name) => !fed.has(name)))
        out.push(`\tcopy${copy}-${sink} -- copy${copy + 1}-${source}`);
  return `${out.join("\n")}\n`;
}
