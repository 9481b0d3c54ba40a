/**
 * @file Reads graph.txt of PipeDream's profiler (Narayanan et al. 2019): nodes with forward and backward time (ms),
 * activation and parameter size (bytes), then edges.
 */
import { PipewrightError } from "../../errors.js";
import { topologicalOrder } from "../components.js";
import type { Block, Net, PartitionProblem } from "../problem.js";
import { rowsOf } from "../rows.js";

interface ProfiledNode {
  readonly id: string;
  readonly name: string;
  readonly forwardMs: number;
  readonly backwardMs: number;
  readonly activationBytes: number;
  readonly parameterBytes: number;
}

const NODE =
  /^(\S+) -- (.+) -- forward_compute_time=(\S+), backward_compute_time=(\S+), activation_size=(\[[^\]]*\]|\S+), parameter_size=(\S+)$/;
const EDGE = /^\t(\S+) -- (\S+)$/;

/** 25 GB/s, the network of the machines that PipeDream's profiles are used with. */
const LINK = { latencyMs: 0, bytesPerMs: 25e6 };

/** A list of sizes stands for several outputs. */
function sizeOf(text: string): number {
  return text
    .replace(/[[\]]/g, "")
    .split(/[;,]/)
    .reduce((sum, part) => sum + Number(part), 0);
}

/**
 * The pipeline problem of a profile: one block a node; the activation crosses forward and its gradient, of the same
 * size, back; activations are stashed. Stages may be empty and have no memory limit.
 * @throws ARTEFACT_MISMATCH naming the first line that is neither a node nor an edge.
 */
export function readPipeDream(text: string, stages: number, name: string): PartitionProblem {
  const nodes: ProfiledNode[] = [];
  const at = new Map<string, number>();
  const from: number[] = [];
  const to: number[] = [];
  text.split(/\r?\n/).forEach((line, row) => {
    if (line.trim() === "") return;
    const edge = EDGE.exec(line);
    if (edge) {
      const u = at.get(edge[1]!);
      const v = at.get(edge[2]!);
      if (u === undefined || v === undefined) throw malformed(name, row, "an edge names an unknown node");
      from.push(u);
      to.push(v);
      return;
    }
    const node = NODE.exec(line);
    if (!node) throw malformed(name, row, "neither a node nor an edge");
    const [forwardMs, backwardMs, parameterBytes] = [Number(node[3]), Number(node[4]), Number(node[6])];
    const activationBytes = sizeOf(node[5]!);
    if (![forwardMs, backwardMs, parameterBytes, activationBytes].every((x) => x >= 0))
      throw malformed(name, row, "a time or size is no number");
    at.set(node[1]!, nodes.length);
    nodes.push({ id: node[1]!, name: node[2]!, forwardMs, backwardMs, activationBytes, parameterBytes });
  });
  const after = rowsOf(nodes.length, from, to);
  const order = topologicalOrder(nodes.length, after, Int32Array.from(nodes.keys()));
  if (order.length < nodes.length) throw malformed(name, 0, "the graph has a cycle");
  const place = new Int32Array(nodes.length);
  order.forEach((v, position) => (place[v] = position));
  const nets: Net[] = [];
  const blocks: Block[] = [];
  order.forEach((v, index) => {
    const node = nodes[v]!;
    blocks.push({
      index,
      name: node.name,
      nodes: [v],
      forwardMs: node.forwardMs,
      inputGradMs: node.backwardMs,
      weightGradMs: 0,
      parameterBytes: node.parameterBytes,
      residentBytes: node.parameterBytes,
      stashBytes: node.activationBytes,
    });
    const readers = after.entries.subarray(after.start[v]!, after.start[v + 1]!);
    const consumers = [...new Set(Array.from(readers, (u) => place[u]!))].sort((a, b) => a - b);
    if (consumers.length > 0)
      nets.push({ producer: index, consumers, forwardBytes: node.activationBytes, gradBytes: node.activationBytes });
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
