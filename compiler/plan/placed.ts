/** @file The differentiated graph with every node on a stage and in a program. */
import type { Differentiated, NodePhase } from "../autodiff/differentiated.js";
import type { Node, NodeId, ValueId } from "../ir/graph.js";
import { producers } from "../ir/walk.js";
import type { ProgramKind } from "./plan.js";

/** A program by its stage and kind. */
export interface ProgramKey {
  readonly stage: number;
  readonly kind: ProgramKind;
}

/** "2.forward". */
export function formatProgramKey({ stage, kind }: ProgramKey): string {
  return `${stage}.${kind}`;
}

export interface PlacedGraph {
  readonly differentiated: Differentiated;
  /** By stage: whether the schedule runs I and W apart. */
  readonly isSplit: readonly boolean[];
  /** Program of every node. */
  readonly programOf: ReadonlyMap<NodeId, ProgramKey>;
  readonly producer: ReadonlyMap<ValueId, Node>;
}

/**
 * Puts nodes into programs.
 *
 * Requires: `stageOf` gives a stage to every forward node, non-decreasing along the data flow; `isSplit[s]` says
 * whether the schedule runs I and W of stage s apart.
 * Ensures: a node is on the stage of its owner; no W program makes anything that another stage reads (such nodes move
 * to I), so what crosses stages is made by F, B or I.
 */
export function placeNodes(
  differentiated: Differentiated,
  stageOf: ReadonlyMap<NodeId, number>,
  isSplit: readonly boolean[],
): PlacedGraph {
  const { graph, owner } = differentiated;
  const stage = (node: Node): number => stageOf.get(owner.get(node.id)!)!;
  const phase = phasesAtStages(differentiated, stage);
  const programOf = new Map<NodeId, ProgramKey>();
  for (const node of graph.nodes) {
    const at = stage(node);
    programOf.set(node.id, { stage: at, kind: programKind(phase.get(node.id)!, isSplit[at]!) });
  }
  return { differentiated, isSplit, programOf, producer: producers(graph) };
}

function programKind(phase: NodePhase, isSplit: boolean): ProgramKind {
  if (phase === "F") return "forward";
  if (!isSplit) return "backward";
  return phase === "I" ? "input-grad" : "weight-grad";
}

/** Phases, with W nodes turned into I where another stage reads their results, directly or through I nodes. */
function phasesAtStages({ graph, phase }: Differentiated, stage: (node: Node) => number): Map<NodeId, NodePhase> {
  const result = new Map(phase);
  const madeAt = new Map<ValueId, number>();
  for (const node of graph.nodes) for (const value of node.outputs) if (value) madeAt.set(value.id, stage(node));
  const neededEarly = new Set<ValueId>();
  for (let index = graph.nodes.length - 1; index >= 0; index--) {
    const node = graph.nodes[index]!;
    if (result.get(node.id) === "F") break;
    const isNeededEarly = node.outputs.some((value) => value && neededEarly.has(value.id));
    if (isNeededEarly) result.set(node.id, "I");
    const isEarly = result.get(node.id) === "I";
    for (const value of node.inputs) {
      if (value && (isEarly || madeAt.get(value.id) !== stage(node))) neededEarly.add(value.id);
    }
  }
  return result;
}
