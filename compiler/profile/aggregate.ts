/** @file What the partitioner needs to know of a differentiated graph: forward nodes with their costs, and the tensors between them. */
import type { Differentiated } from "../autodiff/differentiated.js";
import { invariant } from "../errors.js";
import type { NodeId, Value, ValueId } from "../ir/graph.js";
import { tensorBytes } from "../ir/literal.js";
import type { ForwardModel, ForwardTensor } from "../partition/forward-model.js";
import type { Profile } from "./profile.js";

/**
 * Describes the forward nodes without naming their ops.
 *
 * Requires: a profile of this graph; `residentFactor`, bytes kept per byte of a trained parameter.
 * Ensures: each tensor that would cross if two nodes were on different stages appears once, forward or backward.
 * @throws an internal error if the profile lacks a node.
 */
export function forwardModel(differentiated: Differentiated, profile: Profile, residentFactor: number): ForwardModel {
  const { graph, phase, owner, parameterGrads } = differentiated;
  const trained = new Set(parameterGrads.map(({ of }) => of.id));
  const makerOf = new Map<ValueId, NodeId>();
  const readersOf = new Map<ValueId, Set<NodeId>>();
  const stashed = new Set<ValueId>();
  const isForward = new Set<ValueId>();
  for (const node of graph.nodes) {
    const own = owner.get(node.id)!;
    const isF = phase.get(node.id) === "F";
    for (const value of node.outputs) {
      if (!value) continue;
      makerOf.set(value.id, own);
      if (isF) isForward.add(value.id);
    }
    for (const value of node.inputs) {
      if (!value || value.literal) continue;
      const readers = readersOf.get(value.id);
      if (readers) readers.add(own);
      else readersOf.set(value.id, new Set([own]));
      if (!isF && isForward.has(value.id)) stashed.add(value.id);
    }
  }

  const parameterBytes = new Map<NodeId, number>();
  const residentBytes = new Map<NodeId, number>();
  for (const param of graph.params) {
    const first = readersOf.get(param.id)?.values().next().value;
    if (first === undefined) continue;
    const bytes = tensorBytes(param.type);
    add(parameterBytes, first, bytes);
    add(residentBytes, first, trained.has(param.id) ? bytes * residentFactor : bytes);
  }

  const tensors: ForwardTensor[] = [];
  const stashBytes = new Map<NodeId, number>();
  for (const node of graph.nodes) {
    for (const value of node.outputs) {
      if (!value) continue;
      const maker = makerOf.get(value.id)!;
      const bytes = tensorBytes(value.type);
      if (stashed.has(value.id)) add(stashBytes, maker, bytes);
      const others = [...(readersOf.get(value.id) ?? [])].filter((reader) => reader !== maker);
      if (others.length > 0) tensors.push(describe(value, maker, others, bytes, isForward.has(value.id)));
    }
  }
  const nodes = graph.nodes
    .filter(({ id }) => phase.get(id) === "F")
    .map(({ id, name }) => {
      const cost = profile.nodes.get(name);
      invariant(cost, `the profile has no cost for ${name}`);
      return {
        id,
        name,
        cost,
        parameterBytes: parameterBytes.get(id) ?? 0,
        residentBytes: residentBytes.get(id) ?? 0,
        stashBytes: stashBytes.get(id) ?? 0,
      };
    });
  return { nodes, tensors, colocate: stateGroups(graph, owner) };
}

/**
 * All that reads or replaces one state: on another stage it could run before the microbatch before has replaced it.
 */
function stateGroups({ nodes, states }: Differentiated["graph"], owner: Differentiated["owner"]): NodeId[][] {
  const groups = new Map<ValueId, Set<NodeId>>(states.map(({ param }) => [param.id, new Set<NodeId>()]));
  const groupOfNext = new Map(states.map(({ param, next }) => [next.id, groups.get(param.id)!]));
  for (const node of nodes) {
    for (const value of node.inputs) if (value) groups.get(value.id)?.add(owner.get(node.id)!);
    for (const value of node.outputs) if (value) groupOfNext.get(value.id)?.add(owner.get(node.id)!);
  }
  return [...groups.values()].filter(({ size }) => size > 1).map((group) => [...group]);
}

function describe(
  value: Value,
  maker: NodeId,
  readers: readonly NodeId[],
  bytes: number,
  isForward: boolean,
): ForwardTensor {
  return { name: value.name, maker, readers, bytes, direction: isForward ? "forward" : "backward" };
}

function add(sums: Map<NodeId, number>, key: NodeId, bytes: number): void {
  sums.set(key, (sums.get(key) ?? 0) + bytes);
}
