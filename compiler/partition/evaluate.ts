/**
 * @file What a partition costs, computed from the problem and the assignment alone. Everything that is reported comes
 * from here; no number of a solver does.
 */
import { computeMs } from "../compute-ms.js";
import type { LinkSpec } from "../profile/profile.js";
import type { Net, PartitionProblem } from "./problem.js";
import type { AgainOffer } from "./recompute-choice.js";
import { againOffer, chooseAgain } from "./recompute-choice.js";

/** One stage of an evaluated partition. */
export interface StageEvaluation {
  readonly blocks: number;
  readonly computeMs: number;
  /** The part of computeMs that forward passes take which run again. */
  readonly againMs: number;
  readonly communicationMs: number;
  readonly loadMs: number;
  /** Per microbatch, both directions: what leaves this stage. */
  readonly sendBytes: number;
  /** Parameters, accumulators, optimizer state. */
  readonly residentBytes: number;
  /** Per microbatch in flight. */
  readonly stashBytes: number;
  /** Per microbatch in flight: copies of tensors of ordered nets that earlier stages made. */
  readonly receiveBytes: number;
  /** residentBytes + inFlight · (stashBytes + receiveBytes); less what running again saves. */
  readonly peakBytes: number;
}

/** A device and all its stages. */
export interface DeviceEvaluation {
  readonly stages: readonly number[];
  readonly loadMs: number;
  readonly peakBytes: number;
  /** Undefined: no limit. */
  readonly memoryBytes: number | undefined;
}

/** A net whose blocks are on more than one stage. */
export interface Cut {
  /** Place in the list of nets. */
  readonly net: number;
  readonly fromStage: number;
  /** The other stages that hold blocks of the net, ascending. */
  readonly toStages: readonly number[];
}

/** All costs of one partition. */
export interface Evaluation {
  readonly stages: readonly StageEvaluation[];
  /** Those that hold stages, in the order of their first stage. */
  readonly devices: readonly DeviceEvaluation[];
  /** Largest load of a device. */
  readonly bottleneckMs: number;
  readonly cuts: readonly Cut[];
  /** Blocks that run their forward pass again, ascending. */
  readonly again: readonly number[];
}

/** The device that holds stage s: what it says, or one of its own. */
function deviceOf({ stages }: PartitionProblem, s: number): number {
  return stages[s]!.device ?? s;
}

/** Time of the net's tensors over a link: latencyMs + bytes / bytesPerMs in each direction that carries bytes. */
export function netMs(net: Net, link: LinkSpec): number {
  return messageMs(net.forwardBytes, link) + messageMs(net.gradBytes, link);
}

function messageMs(bytes: number, { latencyMs, bytesPerMs }: LinkSpec): number {
  return bytes > 0 ? latencyMs + bytes / bytesPerMs : 0;
}

/** The link across the boundary between stage b − 1 and stage b: as slow as its slower end. */
export function boundaryLink({ stages, link }: PartitionProblem, b: number): LinkSpec {
  const left = stages[b - 1]!.link ?? link;
  const right = stages[b]!.link ?? link;
  return {
    latencyMs: Math.max(left.latencyMs, right.latencyMs),
    bytesPerMs: Math.min(left.bytesPerMs, right.bytesPerMs),
  };
}

/**
 * Loads, memory and cuts of an assignment.
 *
 * direct: each device that holds a block of a net on several devices pays the net once, at its first such stage. relay:
 * both sides of every boundary between the net's first and last stage pay it, unless one device holds both, and every
 * stage behind such a boundary receives it. O(blocks log blocks + pins + cuts · stages).
 *
 * Source of the direct model: Tarnawski et al., "Efficient Algorithms for Device Placement of DNN Graph Operators" (2020).
 */
export function evaluate(problem: PartitionProblem, stageOf: ArrayLike<number>): Evaluation {
  const { graph, stages } = problem;
  const table = stages.map(() => ({
    blocks: 0,
    computeMs: 0,
    againMs: 0,
    communicationMs: 0,
    sendBytes: 0,
    residentBytes: 0,
    stashBytes: 0,
    receiveBytes: 0,
  }));
  for (let v = 0; v < graph.blocks.length; v++) {
    const block = graph.blocks[v]!;
    const stage = table[stageOf[v]!]!;
    stage.blocks++;
    stage.computeMs += computeMs(block) / stages[stageOf[v]!]!.speed;
    stage.residentBytes += block.residentBytes;
    stage.stashBytes += block.stashBytes;
  }
  const cuts: Cut[] = [];
  for (let e = 0; e < graph.nets.length; e++) {
    const net = graph.nets[e]!;
    const fromStage = stageOf[net.producer]!;
    const toStages = otherStages(net, stageOf, fromStage);
    if (toStages.length === 0) continue;
    cuts.push({ net: e, fromStage, toStages });
    if (problem.model === "relay")
      payRelay(problem, net, Math.min(fromStage, toStages[0]!), Math.max(fromStage, toStages.at(-1)!), table);
    else payDirect(problem, net, fromStage, toStages, table);
  }
  const held = table.map(
    (stage, s) => stage.residentBytes + stages[s]!.inFlight * (stage.stashBytes + stage.receiveBytes),
  );
  const again = againOf(problem, stageOf, held);
  for (const { block, ms, savesBytes } of again) {
    table[stageOf[block]!]!.computeMs += ms;
    table[stageOf[block]!]!.againMs += ms;
    held[stageOf[block]!]! -= savesBytes;
  }
  const evaluated = table.map((stage, s) => ({
    ...stage,
    loadMs: stage.computeMs + stage.communicationMs,
    peakBytes: held[s]!,
  }));
  const devices = stagesByDevice(problem).map((own) => ({
    stages: own,
    loadMs: own.reduce((sum, s) => sum + evaluated[s]!.loadMs, 0),
    peakBytes: own.reduce((sum, s) => sum + evaluated[s]!.peakBytes, 0),
    memoryBytes: stages[own[0]!]!.memoryBytes,
  }));
  const bottleneckMs = devices.reduce((most, { loadMs }) => Math.max(most, loadMs), 0);
  return {
    stages: evaluated,
    devices,
    bottleneckMs,
    cuts,
    again: again.map(({ block }) => block).sort((a, b) => a - b),
  };
}

/** The stages of a net's consumers without that of its producer, ascending. */
function otherStages({ consumers }: Net, stageOf: ArrayLike<number>, fromStage: number): readonly number[] {
  let others: number[] | undefined;
  for (const v of consumers) {
    const at = stageOf[v]!;
    if (at === fromStage) continue;
    if (!others) others = [at];
    else if (!others.includes(at)) others.push(at);
  }
  return others && others.length > 1 ? others.sort((a, b) => a - b) : (others ?? NONE);
}

const NONE: readonly number[] = [];

/** What paying for a net changes, by stage. */
interface Traffic {
  communicationMs: number;
  sendBytes: number;
  receiveBytes: number;
}

function payRelay(problem: PartitionProblem, net: Net, first: number, last: number, table: readonly Traffic[]): void {
  for (let b = first + 1; b <= last; b++) {
    if (deviceOf(problem, b - 1) === deviceOf(problem, b)) continue;
    const ms = netMs(net, boundaryLink(problem, b));
    table[b - 1]!.communicationMs += ms;
    table[b]!.communicationMs += ms;
    table[b - 1]!.sendBytes += net.forwardBytes;
    table[b]!.sendBytes += net.gradBytes;
    if (net.ordered !== false) table[b]!.receiveBytes += net.forwardBytes;
  }
}

function payDirect(
  problem: PartitionProblem,
  net: Net,
  fromStage: number,
  toStages: readonly number[],
  table: readonly Traffic[],
): void {
  const { stages, link } = problem;
  const paid = [deviceOf(problem, fromStage)];
  for (const s of toStages) {
    const device = deviceOf(problem, s);
    if (paid.includes(device)) continue;
    paid.push(device);
    table[s]!.communicationMs += netMs(net, stages[s]!.link ?? link);
    if (net.ordered === false) continue;
    table[s]!.sendBytes += net.gradBytes;
    table[s]!.receiveBytes += net.forwardBytes;
  }
  if (paid.length === 1) return;
  table[fromStage]!.communicationMs += netMs(net, stages[fromStage]!.link ?? link);
  table[fromStage]!.sendBytes += net.forwardBytes + (net.ordered === false ? net.gradBytes : 0);
}

/** Stages of each device, in the order of their first stage. */
export function stagesByDevice(problem: PartitionProblem): readonly (readonly number[])[] {
  const lists = new Map<number, number[]>();
  problem.stages.forEach((_, s) => {
    const device = deviceOf(problem, s);
    lists.set(device, [...(lists.get(device) ?? []), s]);
  });
  return [...lists.values()];
}

/** What it takes and saves to run each block again where it is. */
export function againOffers(
  { graph, stages }: Pick<PartitionProblem, "graph" | "stages">,
  stageOf: ArrayLike<number>,
): readonly AgainOffer[] {
  return graph.blocks.map((block) => againOffer(block, stages[stageOf[block.index]!]!));
}

/** What runs again: nothing, everything, some blocks, or what each device needs. `held`: bytes of each stage if nothing does. */
function againOf(
  problem: PartitionProblem,
  stageOf: ArrayLike<number>,
  held: readonly number[],
): readonly AgainOffer[] {
  const { stages, recompute } = problem;
  if (recompute === undefined) return [];
  if (recompute === "all") return againOffers(problem, stageOf);
  if (recompute !== "auto") {
    const again = new Set(recompute);
    return againOffers(problem, stageOf).filter(({ block }) => again.has(block));
  }
  let offers: readonly AgainOffer[] | undefined;
  return stagesByDevice(problem).flatMap((own) => {
    const needed = own.reduce((sum, s) => sum + held[s]!, 0) - (stages[own[0]!]!.memoryBytes ?? Infinity);
    if (!(needed > 0)) return [];
    offers ??= againOffers(problem, stageOf);
    const here = offers.filter(({ block }) => own.includes(stageOf[block]!));
    return chooseAgain(here, needed) ?? here;
  });
}

/** Every rule that an assignment breaks, in words; empty when it is a valid partition. */
export function violations(problem: PartitionProblem, stageOf: ArrayLike<number>): string[] {
  const { graph, stages, steering } = problem;
  const out: string[] = [];
  if (stageOf.length !== graph.blocks.length)
    return [`${stageOf.length} stages given for ${graph.blocks.length} blocks`];
  for (let v = 0; v < stageOf.length; v++)
    if (!Number.isInteger(stageOf[v]) || stageOf[v]! < 0 || stageOf[v]! >= stages.length)
      return [`block ${v} is on stage ${stageOf[v]}, outside 0..${stages.length - 1}`];
  graph.nets.forEach((net, e) => {
    if (net.ordered === false) return;
    for (const v of net.consumers)
      if (stageOf[v]! < stageOf[net.producer]!)
        out.push(`net ${e}: consumer ${v} is on stage ${stageOf[v]}, before its producer on ${stageOf[net.producer]}`);
  });
  const evaluation = evaluate(problem, stageOf);
  evaluation.stages.forEach((stage, s) => {
    if (stage.blocks === 0 && problem.emptyStages !== true) out.push(`stage ${s} is empty`);
  });
  for (const { stages: own, peakBytes, memoryBytes: limit = Infinity } of evaluation.devices)
    if (peakBytes > limit * (1 + 1e-12)) out.push(`stage ${own.join(", ")} needs ${peakBytes} bytes of ${limit}`);
  for (const { block, stage } of steering?.pins ?? [])
    if (stageOf[block] !== stage) out.push(`block ${block} is on stage ${stageOf[block]}, pinned to ${stage}`);
  const groups = [...(steering?.together ?? [])];
  for (const e of steering?.uncut ?? []) groups.push([graph.nets[e]!.producer, ...graph.nets[e]!.consumers]);
  for (const group of groups)
    if (new Set(group.map((v) => stageOf[v])).size > 1)
      out.push(`blocks ${group.join(", ")} are on more than one stage`);
  return out;
}
