/** @file Where each tensor of each program lives: the inputs and outputs of the stage graphs. */
import { nodesBesideSums, sumGradients } from "./gradient-sums.js";
import { invariant } from "../errors.js";
import { extend } from "../ir/builder.js";
import type { Node, NodeId, Value, ValueId } from "../ir/graph.js";
import type { OpTable } from "../ops/define.js";
import { sinksAtOnce } from "./engine-order.js";
import type { PlacedGraph, ProgramKey } from "./placed.js";
import { formatProgramKey } from "./placed.js";
import type { Port, ProgramKind } from "./plan.js";
import { resultTensor } from "./result-port.js";

/** A value with its port. */
export interface BoundPort {
  readonly value: Value;
  readonly port: Port;
}

/** A stage graph before it becomes a file. */
export interface ProgramGraph {
  readonly key: ProgramKey;
  readonly nodes: readonly Node[];
  readonly inputs: readonly BoundPort[];
  readonly outputs: readonly BoundPort[];
}

/** What a caller wants to see of each microbatch. */
export interface WantedResult {
  readonly name: string;
  readonly value: Value;
  /** The same in further copies of the model. */
  readonly copies?: readonly Value[];
}

/** Programs, and which values they hand to each other. */
export interface LinkedPrograms {
  readonly programs: readonly ProgramGraph[];
  /** Values read by a program that did not make them, with their maker and readers. */
  readonly crossings: readonly Crossing[];
  /** Stage that owns each parameter, by name: where its gradient is summed, or where it is read first. */
  readonly ownerOf: ReadonlyMap<string, number>;
}

export interface Crossing {
  readonly value: Value;
  readonly maker: ProgramKey;
  readonly readers: readonly ProgramKey[];
}

/** A node that belongs to a program: one of the graph, or a copy or sum added for its ports. */
interface Member {
  readonly node: Node;
  readonly key: ProgramKey;
}

/** A program output that is no slot. */
interface Sink extends BoundPort {
  readonly key: ProgramKey;
}

const KIND_ORDER: readonly ProgramKind[] = ["forward", "input-grad", "weight-grad", "backward", "add"];

/**
 * Collects nodes into programs and gives every program input and output a port.
 *
 * Requires: a placed graph; results among its values.
 * Ensures: every gradient of a parameter ends in an accumulator on the stage of its owner, those of further copies of
 * the model through a program of their own; no tensor name occurs twice in a program; a program without nodes is left
 * out.
 */
export function linkPrograms(placed: PlacedGraph, ops: OpTable, results: readonly WantedResult[]): LinkedPrograms {
  const { differentiated, programOf } = placed;
  const builder = extend(ops, differentiated.graph);
  const sums = sumGradients(builder, differentiated.parameterGrads);
  const members = nodesBesideSums(differentiated, sums).map((node): Member => ({
    node,
    key: programOf.get(node.id)!,
  }));
  const sinks: Sink[] = [];
  const append = (key: ProgramKey, node: Node, port: Port): void => {
    members.push({ node, key });
    sinks.push({ value: node.outputs[0]!, port, key });
  };
  const ownerOf = new Map<string, number>();
  const accumulators = new Map<ValueId, Port>();

  for (const { of, sum, own, copies } of sums) {
    const key = gradientProgram(placed, own.owner);
    const accumulator = ({ name }: Value): Port => ({ tensor: name, at: "accumulator", param: of.name });
    ownerOf.set(of.name, key.stage);
    accumulators.set(sum.id, accumulator(sum));
    append(key, own.node, accumulator(own.next));
    for (const { node, next } of copies) append({ stage: key.stage, kind: "add" }, node, accumulator(next));
  }
  for (const { param, next } of differentiated.graph.states) {
    const maker = placed.producer.get(next.id);
    invariant(maker, `state ${param.name} is replaced by a value that no node makes`);
    const key = programOf.get(maker.id)!;
    ownerOf.set(param.name, key.stage);
    sinks.push({ value: next, port: { tensor: next.name, at: "param", param: param.name }, key });
  }
  for (const { name, value, copies = [] } of results) {
    for (const wanted of [value, ...copies]) {
      const maker = placed.producer.get(wanted.id);
      const key = maker ? programOf.get(maker.id)! : { stage: 0, kind: "forward" as const };
      const tensor = resultTensor(name);
      const node = builder.node("Identity", [wanted], {}, { outputs: [tensor] });
      const copy = node.outputs[0]!;
      const named = copy.name === tensor ? {} : { result: name };
      append(key, node, { tensor: copy.name, at: "result", ...named });
    }
  }
  return assemble(placed, members, sinks, accumulators, ownerOf);
}

/** The program that sums the gradient of a parameter whose earliest reader is `owner`. */
function gradientProgram({ programOf, isSplit }: PlacedGraph, owner: NodeId): ProgramKey {
  const { stage } = programOf.get(owner)!;
  return { stage, kind: isSplit[stage] ? "weight-grad" : "backward" };
}

function assemble(
  placed: PlacedGraph,
  members: readonly Member[],
  sinks: readonly Sink[],
  accumulators: ReadonlyMap<ValueId, Port>,
  ownerOf: Map<string, number>,
): LinkedPrograms {
  const { graph } = placed.differentiated;
  const byKey = new Map<string, { key: ProgramKey; nodes: Node[] }>();
  const madeIn = new Map<ValueId, string>();
  for (const { node, key } of members) {
    const name = formatProgramKey(key);
    const entry = byKey.get(name) ?? { key, nodes: [] };
    byKey.set(name, entry);
    entry.nodes.push(node);
    for (const value of node.outputs) if (value) madeIn.set(value.id, name);
  }
  const fixedPorts = new Map<ValueId, Port>(accumulators);
  for (const value of graph.inputs) fixedPorts.set(value.id, { tensor: value.name, at: "input" });
  for (const value of graph.params) fixedPorts.set(value.id, { tensor: value.name, at: "param", param: value.name });

  const readers = new Map<ValueId, Set<string>>();
  const inputsOf = new Map<string, BoundPort[]>();
  for (const [name, { key, nodes }] of byKey) {
    const seen = new Set<ValueId>();
    const inputs: BoundPort[] = [];
    for (const value of nodes.flatMap((node) => node.inputs)) {
      if (!value || value.literal || madeIn.get(value.id) === name || seen.has(value.id)) continue;
      seen.add(value.id);
      const port = fixedPorts.get(value.id) ?? { tensor: value.name, at: "slot" as const };
      inputs.push({ value, port });
      if (port.at === "slot") readers.set(value.id, (readers.get(value.id) ?? new Set()).add(name));
      if (port.at === "param" && !ownerOf.has(port.param)) ownerOf.set(port.param, key.stage);
    }
    inputsOf.set(name, inputs);
  }

  const crossings = [...byKey.values()].flatMap(({ key, nodes }) =>
    nodes.flatMap(({ outputs }) =>
      outputs.flatMap((value): Crossing[] => {
        const names = value && readers.get(value.id);
        return names ? [{ value, maker: key, readers: [...names].map((name) => byKey.get(name)!.key) }] : [];
      }),
    ),
  );
  const programs = [...byKey].map(([name, { key, nodes }]): ProgramGraph => {
    const slots = crossings
      .filter(({ maker }) => formatProgramKey(maker) === name)
      .map(({ value }): BoundPort => ({ value, port: { tensor: value.name, at: "slot" } }));
    const others = sinks
      .filter((sink) => formatProgramKey(sink.key) === name)
      .map(({ value, port }) => ({ value, port }));
    // Sums that I makes for W read what it has just made, see early-sums.ts.
    const ordered = key.kind === "input-grad" ? sinksAtOnce(nodes) : nodes;
    return { key, nodes: ordered, inputs: inputsOf.get(name)!, outputs: [...slots, ...others] };
  });
  programs.sort((a, b) => a.key.stage - b.key.stage || KIND_ORDER.indexOf(a.key.kind) - KIND_ORDER.indexOf(b.key.kind));
  return { programs, crossings, ownerOf };
}
