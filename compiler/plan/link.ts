/** @file Links a partition and a schedule into a plan: programs, slots, waits, and what is predicted of them. */
import type { Differentiated } from "../autodiff/differentiated.js";
import type { Graph, NodeId, Value } from "../ir/graph.js";
import { elementCount, tensorBytes } from "../ir/literal.js";
import type { OpTable } from "../ops/define.js";
import { indexLimits } from "../ops/index-limits.js";
import type { NodeCost } from "../profile/profile.js";
import type { Action, Schedule } from "../schedule/action.js";
import { splitStages } from "../schedule/action.js";
import { residentBytes, ringBytes, updateProgram } from "./memory.js";
import type { ProgramKey } from "./placed.js";
import { formatProgramKey, placeNodes } from "./placed.js";
import type { OptimizerSpec, Plan, PlanParameter, PlanStage, StageProgram, TensorSpec } from "./plan.js";
import type { LinkedPrograms, ProgramGraph, WantedResult } from "./ports.js";
import { linkPrograms } from "./ports.js";
import { actionKey, runsOf } from "./runs.js";
import { resultIn } from "./result-port.js";
import type { SlotRing } from "./slots.js";
import { assignSlots } from "./slots.js";
import { planRows } from "./waits.js";
import type { ProgramMemory } from "./workspace.js";
import { programMemory, sharedBytes } from "./workspace.js";

/** What link needs besides the graph. */
export interface LinkOptions {
  readonly ops: OpTable;
  readonly schedule: Schedule;
  /** All actions of the schedule in a linear order that keeps every dependency, best by simulated start. */
  readonly order: readonly Action[];
  /** Stage of every forward node. */
  readonly stageOf: ReadonlyMap<NodeId, number>;
  /** Cost of every forward node where it runs. */
  readonly costs: ReadonlyMap<NodeId, NodeCost>;
  /** Forward nodes that the backward pass runs again. */
  readonly runAgain?: { has(node: NodeId): boolean };
  readonly optimizer: OptimizerSpec;
  /** Group of the optimizer of each trained parameter that is in one, by name. */
  readonly groups: ReadonlyMap<string, number>;
  readonly results: readonly WantedResult[];
  /** Batch axis of graph inputs that have one; 0 for those not named, null for none. */
  readonly batchAxes: ReadonlyMap<string, number | null>;
}

/** The part of a plan that the graph decides, and the stage graphs behind it. */
export interface Linked {
  readonly parts: Pick<Plan, "inputs" | "results" | "parameters" | "stages" | "slotGroups" | "rows">;
  readonly programs: readonly ProgramGraph[];
  /** Most bytes that each device holds: what its stages hold, and what their programs take of the memory they share. */
  readonly heldBytes: readonly number[];
  /** What a device is predicted to hold if it also runs the weight gradients of these stages of others. */
  readonly heldWith: (device: number, stages: readonly number[]) => number;
}

/**
 * Requires: a checked schedule; every stage has a forward node.
 * Ensures: the programs together compute exactly the nodes of the graph; each parameter has one owner.
 */
export function link(differentiated: Differentiated, options: LinkOptions): Linked {
  const { ops, schedule, order, stageOf, results } = options;
  const linked = linkPrograms(placeNodes(differentiated, stageOf, splitStages(schedule)), ops, results);
  const runs = runsOf(schedule);
  const rings = assignSlots(linked.crossings, order, schedule.placement, schedule.microbatches, runs);
  const parameters = planParameters(differentiated, linked, options.groups);
  const memories = Array.from({ length: schedule.stages }, (_, index) =>
    stageMemory(index, linked, parameters, options),
  );
  const stages = memories.map((memory, index) => planStage(index, memory, linked, rings, parameters, options));
  return {
    parts: {
      inputs: planInputs(differentiated.graph, linked, options),
      results: results.map(({ name, value }) => ({ ...spec(value), name, stage: resultStage(name, linked) })),
      parameters,
      stages,
      slotGroups: rings.map(({ stage, program, slots, slotOf, values }) => ({ stage, program, slots, slotOf, values })),
      rows: planRows(schedule, rings, runs),
    },
    programs: linked.programs,
    heldBytes: Array.from({ length: schedule.devices }, (_, device) => {
      const own = stages.filter((stage) => stage.device === device);
      return own.length === 1 ? own[0]!.peakBytes : heldWith(device, []);
    }),
    heldWith,
  };

  function heldWith(device: number, foreign: readonly number[]): number {
    const own = stages.filter((stage) => stage.device === device);
    const held = own.reduce((sum, stage) => sum + stage.peakBytes - stage.workspaceBytes, 0);
    const weightGrads = foreign.flatMap((stage) => {
      const { keys, programs } = memories[stage]!;
      return programs.filter((_, at) => keys[at]!.kind === "weight-grad");
    });
    const workspace = rowWorkspace(
      own.map(({ index }) => memories[index]!),
      schedule,
      weightGrads,
    );
    return held + workspace;
  }
}

/** "stages/0.forward.onnx". */
export function programFile(program: ProgramGraph): string {
  return `stages/${formatProgramKey(program.key)}.onnx`;
}

function spec(value: Value): TensorSpec {
  return { name: value.name, dtype: value.type.dtype, shape: value.type.shape };
}

function planParameters(
  differentiated: Differentiated,
  linked: LinkedPrograms,
  groups: LinkOptions["groups"],
): readonly PlanParameter[] {
  const trained = new Set(differentiated.parameterGrads.map(({ of }) => of.name));
  const readers = new Map<string, Set<number>>();
  for (const { key, inputs } of linked.programs) {
    for (const { port } of inputs) {
      if (port.at === "param") readers.set(port.param, (readers.get(port.param) ?? new Set()).add(key.stage));
    }
  }
  return differentiated.graph.params.map((param): PlanParameter => {
    const stage = linked.ownerOf.get(param.name) ?? 0;
    const others = [...(readers.get(param.name) ?? [])].filter((reader) => reader !== stage).sort((a, b) => a - b);
    const group = groups.get(param.name);
    return {
      ...spec(param),
      stage,
      readers: others,
      trainable: trained.has(param.name),
      ...(group === undefined ? {} : { group }),
    };
  });
}

function planInputs(graph: Graph, linked: LinkedPrograms, { batchAxes }: LinkOptions): Plan["inputs"] {
  const limits = indexLimits(graph);
  return graph.inputs.map((input) => {
    const below = limits.get(input.name);
    const stages = linked.programs.filter(({ inputs }) => inputs.some(({ value }) => value.id === input.id));
    const axis = batchAxes.has(input.name) ? batchAxes.get(input.name)! : 0;
    const readers = [...new Set(stages.map(({ key }) => key.stage))].sort((a, b) => a - b);
    const hasAxis = axis !== null && input.type.shape.length > 0;
    return {
      ...spec(input),
      ...(hasAxis ? { batchAxis: axis } : {}),
      stages: readers,
      ...(below === undefined ? {} : { below }),
    };
  });
}

function resultStage(name: string, { programs }: LinkedPrograms): number {
  return programs.find(({ outputs }) => outputs.some(({ port }) => resultIn(port) === name))!.key.stage;
}

function planStage(
  index: number,
  memory: StageMemory,
  linked: LinkedPrograms,
  rings: readonly SlotRing[],
  parameters: readonly PlanParameter[],
  options: LinkOptions,
): PlanStage {
  const { schedule, stageOf, costs, optimizer, runAgain } = options;
  const programs = linked.programs.filter(({ key }) => key.stage === index);
  const nodes = [...stageOf].filter(([, stage]) => stage === index).map(([node]) => node);
  const own = nodes.map((node) => costs.get(node));
  const sum = (pick: (cost: NodeCost) => number): number =>
    own.reduce((total, cost) => total + (cost ? pick(cost) : 0), 0);
  const ownRings = rings.filter(({ stage }) => stage === index);
  const sent = ownRings.flatMap(({ values }) => values).filter(({ shared }) => shared);
  const held = parameters.filter(({ stage }) => stage === index);
  const bytes = (list: readonly TensorSpec[]): number => list.reduce((total, item) => total + tensorBytes(item), 0);
  const resident = residentBytes(held, optimizer);
  const inFlight = ownRings.reduce((total, ring) => total + ringBytes(ring), 0);
  const workspace = rowWorkspace([memory], schedule);
  return {
    index,
    device: schedule.placement[index]!,
    nodes: own.length,
    programs: programs.map((program): StageProgram => ({
      kind: program.key.kind,
      file: programFile(program),
      inputs: program.inputs.map(({ port }) => port),
      outputs: program.outputs.map(({ port }) => port),
    })),
    ...(held.some(({ trainable }) => trainable) ? { update: { file: `stages/${index}.update.onnx` } } : {}),
    forwardMs: sum(({ forwardMs }) => forwardMs),
    inputGradMs: sum(({ inputGradMs }) => inputGradMs),
    weightGradMs: sum(({ weightGradMs }) => weightGradMs),
    parameterBytes: bytes(held),
    sendBytes: bytes(sent),
    peakBytes: resident + inFlight + workspace,
    workspaceBytes: workspace,
    recomputed: nodes.filter((node) => runAgain?.has(node)).length,
  };
}

/** What the programs of a stage ask of the arena. */
interface StageMemory {
  readonly keys: readonly ProgramKey[];
  readonly programs: readonly ProgramMemory[];
  readonly update: ProgramMemory | undefined;
}

function stageMemory(
  index: number,
  { programs }: LinkedPrograms,
  parameters: readonly PlanParameter[],
  { optimizer, ops }: LinkOptions,
): StageMemory {
  const held = parameters.filter(({ stage }) => stage === index);
  const update = updateProgram(held, optimizer, ops);
  const own = programs.filter(({ key }) => key.stage === index);
  return { keys: own.map(({ key }) => key), programs: own.map(programMemory), update: update && programMemory(update) };
}

/** What the programs of some stages of a device take, in the order of its row, updates last; `foreign` ones after all. */
function rowWorkspace(
  memories: readonly StageMemory[],
  schedule: Schedule,
  foreign: readonly ProgramMemory[] = [],
): number {
  const programs = memories.flatMap((own) => own.programs);
  const updates = memories.flatMap(({ update }) => update ?? []);
  const order = [
    ...runOrder(
      memories.flatMap(({ keys }) => keys),
      schedule,
    ),
    ...updates.map((_, at) => programs.length + at),
  ];
  const others = foreign.map((_, at) => programs.length + updates.length + at);
  return sharedBytes([...programs, ...updates, ...foreign], [...order, ...others]);
}

/** The runs of a step of programs of one device, by place in the list. */
function runOrder(programs: readonly ProgramKey[], schedule: Schedule): readonly number[] {
  const { microbatches, placement } = schedule;
  const runs = runsOf(schedule);
  const started = new Map<number, number[]>();
  programs.forEach((key, at) => {
    for (let microbatch = 0; microbatch < microbatches; microbatch++) {
      const action = runs(key, microbatch);
      if (!action) continue;
      const number = actionKey(action, microbatches);
      started.set(number, [...(started.get(number) ?? []), at]);
    }
  });
  const [first] = programs;
  const row = first ? schedule.rows[placement[first.stage]!]! : [];
  return row.flatMap((action) => started.get(actionKey(action, microbatches)) ?? []);
}

/** Parameter elements of a graph. */
export function parameterElements(graph: Graph): number {
  return graph.params.reduce((sum, { type }) => sum + elementCount(type.shape), 0);
}
