/**
 * @file Reads the throughput workloads of "Efficient Algorithms for Device Placement of DNN Graph Operators"
 * (Tarnawski et al. 2020): JSON with nodes, edges and times per device.
 */
import { PipewrightError } from "../../errors.js";
import { acyclicGroups, DisjointSets } from "../contract.js";
import type { Block, BlockGraph, Net, PartitionProblem, StageResources } from "../problem.js";
import { rowsOf } from "../rows.js";

interface PlacementNode {
  readonly id: number;
  readonly name?: string;
  readonly supportedOnFpga?: boolean | number;
  readonly fpgaLatency: number;
  readonly isBackwardNode?: boolean | number;
  readonly colorClass?: number | null;
  readonly size?: number;
}

interface PlacementFile {
  /** Left out: no limit. */
  readonly maxSizePerFPGA?: number;
  readonly nodes: readonly PlacementNode[];
  readonly edges: readonly { readonly sourceId: number; readonly destId: number; readonly cost: number }[];
}

/** Times are milliseconds already, so a byte takes a millisecond. */
const UNIT_LINK = { latencyMs: 0, bytesPerMs: 1 };

function parse(text: string, name: string): PlacementFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw malformed(name, error instanceof Error ? error.message : String(error));
  }
  const file = value as Partial<PlacementFile> | null;
  const limit = file?.maxSizePerFPGA ?? 0;
  if (!(limit >= 0)) throw malformed(name, "maxSizePerFPGA is no number");
  if (!file || !Array.isArray(file.nodes) || !Array.isArray(file.edges))
    throw malformed(name, "nodes or edges are missing");
  const known = new Set<number>();
  for (const node of file.nodes as PlacementNode[]) {
    const { id, fpgaLatency, size = 0 } = node;
    if (node.supportedOnFpga !== undefined && Number(node.supportedOnFpga) === 0)
      throw malformed(name, `node ${id} runs on no accelerator, and a pipeline has nothing else`);
    if (!Number.isFinite(id) || !(fpgaLatency >= 0 && fpgaLatency < Infinity) || !(size >= 0))
      throw malformed(name, `node ${String(id)} has no time or size`);
    if (known.has(id)) throw malformed(name, `two nodes have the id ${id}`);
    known.add(id);
  }
  if (known.size === 0) throw malformed(name, "no nodes");
  for (const { sourceId, destId, cost } of file.edges as PlacementFile["edges"])
    if (!known.has(sourceId) || !known.has(destId) || !(cost >= 0 && cost < Infinity))
      throw malformed(name, `edge ${sourceId} → ${destId} has unknown ends or no cost`);
  return file as PlacementFile;
}

function malformed(name: string, reason: string): PipewrightError {
  return new PipewrightError("ARTEFACT_MISMATCH", `${name}: no device-placement workload; ${reason}. Check the file.`);
}

/**
 * The pure pipeline problem of a workload: accelerators only, each of the file's memory, stages may be empty.
 *
 * Nodes of one colour share a block, cycles of blocks are one block. Order comes from edges between forward nodes, and
 * from reversed edges between backward nodes one of which has no forward node. A node's output is one net over all its
 * readers, charged its cost once per stage that it touches; only `size` counts as memory.
 */
export function readDevicePlacement(text: string, stages: number, name: string): PartitionProblem {
  const { nodes, edges, maxSizePerFPGA } = parse(text, name);
  const nodeAt = new Map(nodes.map((node, at) => [node.id, at]));
  const sets = new DisjointSets(nodes.length);
  const byColor = new Map<number, number>();
  nodes.forEach(({ colorClass }, at) => {
    if (colorClass === undefined || colorClass === null) return;
    const first = byColor.get(colorClass);
    if (first === undefined) byColor.set(colorClass, at);
    else sets.union(first, at);
  });
  const backward = nodes.map(({ isBackwardNode = 0 }) => Number(isBackwardNode) !== 0);
  const hasForward = new Uint8Array(nodes.length);
  nodes.forEach((_, at) => {
    if (!backward[at]) hasForward[sets.find(at)] = 1;
  });
  const from: number[] = [];
  const to: number[] = [];
  const readers = new Map<number, { cost: number; readers: number[] }>();
  for (const { sourceId, destId, cost } of edges) {
    const u = nodeAt.get(sourceId)!;
    const v = nodeAt.get(destId)!;
    const orphan = hasForward[sets.find(u)] === 0 || hasForward[sets.find(v)] === 0;
    if (!backward[u] && !backward[v]) {
      from.push(u);
      to.push(v);
    } else if (backward[u] && backward[v] && orphan) {
      from.push(v);
      to.push(u);
    }
    const known = readers.get(u);
    if (known) {
      known.readers.push(v);
      known.cost = Math.max(known.cost, cost);
    } else readers.set(u, { cost, readers: [v] });
  }
  const order = rowsOf(nodes.length, from, to);
  const { nodeOf, count } = acyclicGroups(nodes.length, order, sets);
  const follows = new Set(from.map((u, i) => nodeOf[u]! * count + nodeOf[to[i]!]!));
  const nets: Net[] = [];
  const implied = new Set<number>();
  for (const [u, { cost, readers: all }] of readers) {
    const producer = nodeOf[u]!;
    const consumers = [...new Set(all.map((v) => nodeOf[v]!))].filter((v) => v !== producer).sort((a, b) => a - b);
    if (consumers.length === 0) continue;
    const ordered = consumers.every((v) => follows.has(producer * count + v));
    if (ordered) for (const v of consumers) implied.add(producer * count + v);
    nets.push({ producer, consumers, forwardBytes: cost, gradBytes: 0, ...(ordered ? {} : { ordered }) });
  }
  for (const key of follows) {
    const producer = Math.floor(key / count);
    const consumer = key % count;
    if (producer !== consumer && !implied.has(key))
      nets.push({ producer, consumers: [consumer], forwardBytes: 0, gradBytes: 0 });
  }
  const graph: BlockGraph = { blocks: blocksOfGroups(nodes, backward, nodeOf, count), nets };
  const limit = maxSizePerFPGA === undefined ? {} : { memoryBytes: maxSizePerFPGA };
  const resources: StageResources = { speed: 1, inFlight: 0, ...limit };
  return {
    graph,
    model: "direct",
    stages: Array.from({ length: stages }, () => resources),
    link: UNIT_LINK,
    emptyStages: true,
  };
}

function blocksOfGroups(
  nodes: readonly PlacementNode[],
  backward: readonly boolean[],
  nodeOf: Int32Array,
  count: number,
): Block[] {
  const members: number[][] = Array.from({ length: count }, () => []);
  nodes.forEach((_, at) => members[nodeOf[at]!]!.push(at));
  return members.map((group, index) => {
    const time = (phase: boolean): number =>
      group.reduce((sum, at) => sum + (backward[at] === phase ? nodes[at]!.fpgaLatency : 0), 0);
    const size = group.reduce((sum, at) => sum + (nodes[at]!.size ?? 0), 0);
    return {
      index,
      name: nodes[group[0]!]!.name ?? String(nodes[group[0]!]!.id),
      nodes: group,
      forwardMs: time(false),
      inputGradMs: time(true),
      weightGradMs: 0,
      parameterBytes: size,
      residentBytes: size,
      stashBytes: 0,
    };
  });
}
