/** @file From forward nodes to blocks: the smallest units that a stage can hold. */
import { invariant } from "../errors.js";
import type { NodeId } from "../ir/graph.js";
import { computeMs } from "../compute-ms.js";
import { acyclicGroups, DisjointSets } from "./contract.js";
import type { ForwardModel, ForwardNode } from "./forward-model.js";
import type { Block, BlockGraph, Net } from "./problem.js";
import { rowsOf } from "./rows.js";
import type { Rows } from "./rows.js";

/** A net over groups while blocks are formed. */
interface GroupNet {
  pins: readonly number[];
  ordered: boolean;
  forwardBytes: number;
  gradBytes: number;
}

/** A tensor with nodes as places in the list of nodes. */
interface PlacedTensor {
  readonly maker: number;
  readonly readers: readonly number[];
  readonly bytes: number;
  readonly forward: boolean;
}

/** Blocks, and the way back to nodes. */
export interface Blocks {
  readonly graph: BlockGraph;
  /** Stage of every node, from the stage of every block. */
  stageOfNodes(stageOfBlocks: ArrayLike<number>): Map<NodeId, number>;
}

/** Block of every node that is in one. */
export function blocksOfNodes({ blocks }: Pick<BlockGraph, "blocks">): ReadonlyMap<NodeId, number> {
  return new Map(blocks.flatMap(({ index, nodes }) => nodes.map((node): [NodeId, number] => [node, index])));
}

/**
 * Blocks and the nets between them.
 *
 * Colocated nodes and nodes on a cycle of groups become one block; tensors with the same blocks become one net. A
 * reader's stage never precedes that of a forward tensor's maker, nor does the maker's stage of a backward tensor
 * precede its readers'. After what Tarnawski et al. 2020 do to a graph before they cut it.
 *
 * Requires: nodes in topological order.
 * Ensures: blocks in topological order, close to that of the nodes. O((nodes + readers) log nodes).
 */
export function blocksOf(model: ForwardModel): Blocks {
  const { nodes } = model;
  const place = new Map<NodeId, number>(nodes.map(({ id }, at) => [id, at]));
  const at = (id: NodeId): number => {
    const found = place.get(id);
    invariant(found !== undefined, `blocks: node ${id} is not in the model`);
    return found;
  };
  const tensors: PlacedTensor[] = model.tensors.map(({ maker, readers, bytes, direction }) => ({
    maker: at(maker),
    readers: readers.map(at),
    bytes,
    forward: direction === "forward",
  }));
  const sets = new DisjointSets(nodes.length);
  for (const group of model.colocate ?? []) for (const id of group) sets.union(at(group[0]!), at(id));
  const { nodeOf, count } = acyclicGroups(nodes.length, orderEdges(nodes.length, tensors), sets);
  return {
    graph: { blocks: describeBlocks(nodes, nodeOf, count), nets: describeNets(groupNets(nodeOf, tensors)) },
    stageOfNodes: (stageOfBlocks) => new Map(nodes.map(({ id }, v) => [id, stageOfBlocks[nodeOf[v]!]!])),
  };
}

/** Who must not come after whom: makers before readers of forward tensors, readers before makers of backward ones. */
function orderEdges(size: number, tensors: readonly PlacedTensor[]): Rows {
  const from: number[] = [];
  const to: number[] = [];
  for (const { maker, readers, forward } of tensors)
    for (const reader of readers) {
      from.push(forward ? maker : reader);
      to.push(forward ? reader : maker);
    }
  return rowsOf(size, from, to);
}

/** Tensors between groups, added up by pin set; a backward tensor's order is kept by nets without bytes if need be. */
function groupNets(nodeOf: Int32Array, tensors: readonly PlacedTensor[]): GroupNet[] {
  const nets: GroupNet[] = [];
  const byPins = new Map<string, GroupNet>();
  const ordered = new Set<number>();
  const size = nodeOf.length;
  const netOf = (pins: readonly number[]): GroupNet => {
    const key =
      pins.length === 2
        ? `${Math.min(pins[0]!, pins[1]!)},${Math.max(pins[0]!, pins[1]!)}`
        : [...pins].sort((a, b) => a - b).join();
    let net = byPins.get(key);
    if (!net) {
      net = { pins, ordered: false, forwardBytes: 0, gradBytes: 0 };
      byPins.set(key, net);
      nets.push(net);
    }
    return net;
  };
  for (const { maker, readers, bytes, forward } of tensors) {
    const pins = [...new Set([nodeOf[maker]!, ...readers.map((v) => nodeOf[v]!)])];
    if (pins.length < 2) continue;
    const net = netOf(pins);
    if (!forward) {
      net.gradBytes += bytes;
      continue;
    }
    net.forwardBytes += bytes;
    net.ordered = true;
    net.pins = pins;
    for (const reader of pins.slice(1)) ordered.add(pins[0]! * size + reader);
  }
  for (const { maker, readers, forward } of tensors) {
    if (forward) continue;
    for (const v of readers) {
      const earlier = nodeOf[v]!;
      const later = nodeOf[maker]!;
      if (earlier === later || ordered.has(earlier * size + later)) continue;
      ordered.add(earlier * size + later);
      const net = netOf([earlier, later]);
      net.ordered = true;
      net.pins = [earlier, later];
    }
  }
  return nets;
}

function describeBlocks(nodes: readonly ForwardNode[], nodeOf: Int32Array, count: number): Block[] {
  const members: ForwardNode[][] = Array.from({ length: count }, () => []);
  nodes.forEach((node, v) => members[nodeOf[v]!]!.push(node));
  return members.map((group, index) => {
    const sum = (of: (node: ForwardNode) => number): number => group.reduce((total, node) => total + of(node), 0);
    return {
      index,
      name: group.reduce((a, b) => (computeMs(b.cost) > computeMs(a.cost) ? b : a)).name,
      nodes: group.map(({ id }) => id),
      forwardMs: sum(({ cost }) => cost.forwardMs),
      inputGradMs: sum(({ cost }) => cost.inputGradMs),
      weightGradMs: sum(({ cost }) => cost.weightGradMs),
      parameterBytes: sum((node) => node.parameterBytes),
      residentBytes: sum((node) => node.residentBytes),
      stashBytes: sum((node) => node.stashBytes),
    };
  });
}

function describeNets(nets: readonly GroupNet[]): Net[] {
  return nets.map(({ pins, ordered, forwardBytes, gradBytes }) => ({
    producer: pins[0]!,
    consumers: pins.slice(1).sort((a, b) => a - b),
    forwardBytes,
    gradBytes,
    ...(ordered ? {} : { ordered: false }),
  }));
}
