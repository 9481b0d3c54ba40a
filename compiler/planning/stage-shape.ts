/**
 * @file One stage of a plan by itself: the programs it runs, what it keeps and who reads what it makes, whatever becomes
 * of the other stages. For bounds of the memory of plans whose other stages are open.
 */
import type { Differentiated } from "../autodiff/differentiated.js";
import { recompute } from "../autodiff/recompute.js";
import type { NodeId, Value, ValueId } from "../ir/graph.js";
import { tensorBytes } from "../ir/literal.js";
import { producers } from "../ir/walk.js";
import { OPS } from "../ops/registry.js";
import type { OptimizerSpec, PlanParameter, ProgramKind } from "../plan/plan.js";
import type { PassHalf } from "../plan/least-slots.js";
import { stateCount } from "../optimizer/update.js";
import { residentBytes, updateProgram } from "../plan/memory.js";
import { placeNodes } from "../plan/placed.js";
import type { WantedResult } from "../plan/ports.js";
import { linkPrograms } from "../plan/ports.js";
import type { ProgramMemory } from "../plan/workspace.js";
import { programMemory } from "../plan/workspace.js";

/** Values with the same maker and readers. */
export interface ShapeRing {
  readonly bytes: number;
  readonly maker: ProgramKind;
  readonly own: readonly ProgramKind[];
  readonly before: readonly PassHalf[];
  readonly after: readonly PassHalf[];
}

export interface StageShape {
  /** Parameters that no other stage can own, with all that is kept for them. */
  readonly residentBytes: number;
  /** With the kind of each; the update, if there is one, runs behind those of all stages. */
  readonly programs: readonly ProgramMemory[];
  readonly kinds: readonly ProgramKind[];
  readonly updates: readonly ProgramMemory[];
  readonly rings: readonly ShapeRing[];
}

/** A set of forward nodes as a stage. */
export interface ShapeChoice {
  /** By forward node: -1 on an earlier stage, 0 on this one, 1 on a later one. */
  readonly side: (node: NodeId) => number;
  readonly isSplit: boolean;
  /** Nodes of the stage that run again. */
  readonly again: ReadonlySet<NodeId>;
  /** Whether readers on other stages are known to run again too. */
  readonly isAllAgain: boolean;
}

/** What of the plan's subject shapes are made of. */
export interface ShapeSubject {
  readonly differentiated: Differentiated;
  readonly optimizer: OptimizerSpec;
  readonly groups: ReadonlyMap<string, number>;
  readonly results: readonly WantedResult[];
  /** Forward nodes that read a parameter, or whose backward nodes do. */
  readonly readersOf: (param: ValueId) => readonly NodeId[];
}

/**
 * The shapes that a stage can have: one, unless some of what it makes both runs again and is read elsewhere, since a
 * reader that runs again itself has it kept. Undefined when these are too many. Linear in the graph for each.
 */
export function stageShapes(subject: ShapeSubject, choice: ShapeChoice): readonly StageShape[] | undefined {
  const near = neighbourhood(subject, choice);
  const open = openlyKept(near, choice);
  if (choice.isAllAgain) return [shapeOf(subject, near, choice, new Set(open))];
  if (open.length > MOST_OPEN) return undefined;
  return Array.from({ length: 2 ** open.length }, (_, bits) =>
    shapeOf(subject, near, choice, new Set(open.filter((_value, at) => (bits >> at) & 1))),
  );
}

const MOST_OPEN = 3;
/** This stage between all before and all behind it. */
const OWN = 1;

/** The nodes of the stage and those that read what it makes, with what belongs to them. */
function neighbourhood({ differentiated }: ShapeSubject, { side }: ShapeChoice): Differentiated {
  const { graph, owner, parameterGrads } = differentiated;
  const own = new Set<ValueId>();
  const nodes = graph.nodes.filter((node) => {
    const isOwn = side(owner.get(node.id)!) === 0;
    if (isOwn) for (const value of node.outputs) if (value) own.add(value.id);
    return isOwn || node.inputs.some((value) => value && own.has(value.id));
  });
  return {
    ...differentiated,
    graph: { ...graph, nodes, states: graph.states.filter(({ next }) => own.has(next.id)) },
    parameterGrads: parameterGrads.filter((gradient) => side(gradient.owner) === 0),
  };
}

/** What a stage makes, runs again, and keeps or not as those decide who read it elsewhere. */
function openlyKept({ graph, phase, owner }: Differentiated, { side, again }: ShapeChoice): readonly ValueId[] {
  if (again.size === 0) return [];
  const own = new Set<ValueId>();
  const open = new Set<ValueId>();
  const kept = new Set<ValueId>();
  for (const node of graph.nodes) {
    const isOwn = side(owner.get(node.id)!) === 0;
    const isForward = phase.get(node.id) === "F";
    for (const value of node.inputs) if (value && !isOwn && own.has(value.id)) (isForward ? open : kept).add(value.id);
    if (isOwn && isForward && again.has(node.id)) for (const value of node.outputs) if (value) own.add(value.id);
  }
  return [...open].filter((value) => !kept.has(value));
}

function shapeOf(
  { optimizer, groups, results, readersOf }: ShapeSubject,
  near: Differentiated,
  { side, isSplit, again }: ShapeChoice,
  keeps: ReadonlySet<ValueId>,
): StageShape {
  const stageOf = new Map<NodeId, number>();
  for (const { id } of near.graph.nodes) {
    const own = near.owner.get(id)!;
    if (!stageOf.has(own)) stageOf.set(own, side(own) + OWN);
  }
  const { differentiated } = again.size === 0 ? { differentiated: near } : recompute(near, { again, stageOf, keeps });
  const made = producers(near.graph);
  const states = new Set(near.graph.states.map(({ param }) => param.name));
  const wanted = results.filter(({ value }) => {
    const maker = made.get(value.id);
    return maker && stageOf.get(near.owner.get(maker.id)!) === OWN;
  });
  const linked = linkPrograms(placeNodes(differentiated, stageOf, [isSplit, isSplit, isSplit]), OPS, wanted);
  const parameters = ownParameters(near, groups, ({ id, name }) =>
    states.has(name) ? linked.ownerOf.get(name) === OWN : readersOf(id).every((node) => side(node) === 0),
  );
  const programs = linked.programs.filter(({ key }) => key.stage === OWN);
  const update = updateProgram(parameters, optimizer, OPS);
  return {
    residentBytes: residentBytes(parameters, optimizer),
    programs: programs.map(programMemory),
    kinds: programs.map(({ key }) => key.kind),
    updates: update ? [programMemory(update)] : [],
    rings: linked.crossings
      .filter(({ maker }) => maker.stage === OWN)
      .map(({ value, maker, readers }) => {
        const halves = (stage: number): readonly PassHalf[] => [
          ...new Set(readers.flatMap((key): PassHalf[] => (key.stage === stage ? [halfOf(key.kind)] : []))),
        ];
        const own = readers.flatMap(({ stage, kind }) => (stage === OWN ? [kind] : []));
        return { bytes: bytesOf(value), maker: maker.kind, own, before: halves(OWN - 1), after: halves(OWN + 1) };
      }),
  };
}

function halfOf(kind: ProgramKind): PassHalf {
  return kind === "forward" ? "forward" : "backward";
}

function bytesOf({ type }: Value): number {
  return tensorBytes(type);
}

/** Trained ones by the owner of their gradient, others as told. */
function ownParameters(
  { graph, parameterGrads }: Differentiated,
  groups: ShapeSubject["groups"],
  isOwn: (param: Value) => boolean,
): readonly PlanParameter[] {
  const trained = new Set(parameterGrads.map(({ of }) => of.name));
  return graph.params
    .filter((param) => trained.has(param.name) || isOwn(param))
    .map(({ name, type: { dtype, shape } }): PlanParameter => {
      const group = groups.get(name);
      const trainable = trained.has(name);
      return { name, dtype, shape, stage: OWN, readers: [], trainable, ...(group === undefined ? {} : { group }) };
    });
}

/** By block, bytes of the parameters that only it can own, with sums and states, in whatever stage it is. */
export function leastResident(
  { differentiated: { graph, parameterGrads }, optimizer, readersOf }: ShapeSubject,
  blocks: number,
  blockOf: (node: NodeId) => number,
): readonly number[] {
  const owners = new Map(parameterGrads.map(({ of, owner }) => [of.id, blockOf(owner)]));
  const bytes = new Array<number>(blocks).fill(0);
  for (const param of graph.params) {
    const owner = owners.get(param.id);
    const readers = new Set(readersOf(param.id).map(blockOf));
    const [only] = readers;
    if (owner !== undefined) bytes[owner]! += bytesOf(param) * (2 + stateCount(optimizer));
    else if (only !== undefined && readers.size === 1) bytes[only]! += bytesOf(param);
  }
  return bytes;
}
