/**
 * @file Reads graph.txt of PipeDream's profiler (Narayanan et al. 2019): nodes with forward and backward time (ms),
 * activation and parameter size (bytes), then edges.
 */
import { PipewrightError } from "../../errors.js";
import { acyclicGroups, DisjointSets } from "../contract.js";
import type { Block, Net, PartitionProblem } from "../problem.js";
import { rowsOf } from "../rows.js";

interface ProfiledNode {
  readonly name: string;
  readonly forwardMs: number;
  readonly backwardMs: number;
  readonly activationBytes: number;
  readonly parameterBytes: number;
}

const NODE =
  /^(\S+) -- (.+) -- forward_compute_time=(\S+), backward_compute_time=(\S+), activation_size=(\[[^\]]*\]|\S+), parameter_size=(\S+?)(?: -- stage_id=\S+)?$/;
const EDGE = /^\s*(\S+) -- (\S+)$/;

/** 25 GB/s, the network of the machines that PipeDream's profiles are used with. */
const LINK = { latencyMs: 0, bytesPerMs: 25e6 };

/** A list of sizes stands for several outputs. */
function sizeOf(text: string): number {
  return text
    .replace(/[[\]]/g, "")
    .split(/[;,]/)
    .reduce((sum, part) => sum + Number(part), 0);
}

/** The nodes and edges of a file; edges by places of nodes. Edges may stand before the nodes that they join. */
function parse(text: string, name: string): { nodes: ProfiledNode[]; from: number[]; to: number[] } {
  const nodes: ProfiledNode[] = [];
  const at = new Map<string, number>();
  const edges: { readonly row: number; readonly ends: readonly string[] }[] = [];
  text.split(/\r?\n/).forEach((line, row) => {
    if (line.trim() === "") return;
    const edge = EDGE.exec(line);
    if (edge) {
      edges.push({ row, ends: edge.slice(1, 3) });
      return;
    }
    const node = NODE.exec(line);
    if (!node) throw malformed(name, row, "neither a node nor an edge");
    const [forwardMs, backwardMs, parameterBytes] = [Number(node[3]), Number(node[4]), Number(node[6])];
    const activationBytes = sizeOf(node[5]!);
    if (![forwardMs, backwardMs, parameterBytes, activationBytes].every((x) => x >= 0 && x < Infinity))
      throw malformed(name, row, "a time or size is no number");
    if (at.has(node[1]!)) throw malformed(name, row, `a second node ${node[1]}`);
    at.set(node[1]!, nodes.length);
    nodes.push({ name: node[2]!, forwardMs, backwardMs, activationBytes, parameterBytes });
  });
  if (nodes.length === 0) throw malformed(name, 0, "no nodes");
  const placed = edges.map(({ row, ends }) =>
    ends.map((end) => {
      const place = at.get(end);
      if (place === undefined) throw malformed(name, row, "an edge names an unknown node");
      return place;
    }),
  );
  return { nodes, from: placed.map(([u]) => u!), to: placed.map(([, v]) => v!) };
}

/**
 * The pipeline problem of a profile: one block a node, or a cycle of them; the activation crosses forward and its
 * gradient, of the same size, back; activations are stashed. Stages may be empty and have no memory limit.
 * @throws ARTEFACT_MISMATCH naming the first line that is neither a node nor an edge.
 */
export function readPipeDream(text: string, stages: number, name: string): PartitionProblem {
  const { nodes, from, to } = parse(text, name);
  const after = rowsOf(nodes.length, from, to);
  const { nodeOf, count } = acyclicGroups(nodes.length, after, new DisjointSets(nodes.length));
  const members: number[][] = Array.from({ length: count }, () => []);
  nodeOf.forEach((g, v) => members[g]!.push(v));
  const nets: Net[] = [];
  const blocks: Block[] = members.map((group, index) => {
    const sum = (of: (node: ProfiledNode) => number): number => group.reduce((total, v) => total + of(nodes[v]!), 0);
    for (const v of group) {
      const readers = after.entries.subarray(after.start[v]!, after.start[v + 1]!);
      const consumers = [...new Set(Array.from(readers, (u) => nodeOf[u]!))].filter((g) => g !== index);
      const bytes = nodes[v]!.activationBytes;
      if (consumers.length > 0)
        nets.push({
          producer: index,
          consumers: consumers.sort((a, b) => a - b),
          forwardBytes: bytes,
          gradBytes: bytes,
        });
    }
    return {
      index,
      name: nodes[group[0]!]!.name,
      nodes: group,
      forwardMs: sum(({ forwardMs }) => forwardMs),
      inputGradMs: sum(({ backwardMs }) => backwardMs),
      weightGradMs: 0,
      parameterBytes: sum(({ parameterBytes }) => parameterBytes),
      residentBytes: sum(({ parameterBytes }) => parameterBytes),
      stashBytes: sum(({ activationBytes }) => activationBytes),
    };
  });
  return {
    graph: { blocks, nets },
    model: "relay",
    stages: Array.from({ length: stages }, () => ({ speed: 1, inFlight: 1 })),
    link: LINK,
    emptyStages: true,
  };
}

function malformed(name: string, row: number, reason: string): PipewrightError {
  return new PipewrightError(
    "ARTEFACT_MISMATCH",
    `${name}:${row + 1}: no PipeDream profile; ${reason}. Check the file.`,
  );
}
