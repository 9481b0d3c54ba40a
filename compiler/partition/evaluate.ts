/**
 * @file What a partition costs, computed from the problem and the assignment alone. Everything that is reported comes
 * from here; no number of a solver does.
 */
import type { LinkSpec } from "../profile/profile.js";
import type { Net, PartitionProblem } from "./problem.js";

/** One stage of an evaluated partition. */
export interface StageEvaluation {
  readonly blocks: number;
  readonly computeMs: number;
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
  /** residentBytes + inFlight · (stashBytes + receiveBytes). */
  readonly peakBytes: number;
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
  readonly bottleneckMs: number;
  readonly cuts: readonly Cut[];
}

/** Time of the net's tensors over a link: latencyMs + bytes / bytesPerMs in each direction that carries bytes. */
export function netMs(net: Net, link: LinkSpec): number {
  const direction = (bytes: number): number => (bytes > 0 ? link.latencyMs + bytes / link.bytesPerMs : 0);
  return direction(net.forwardBytes) + direction(net.gradBytes);
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
 * direct: each stage that holds a block of a cut net pays the net once. relay: both sides of every boundary between
 * the net's first and last stage pay it, and every stage behind such a boundary receives it. O(blocks + pins + cuts · stages).
 *
 * Source of the direct model: Tarnawski et al., "Efficient Algorithms for Device Placement of DNN Graph Operators" (2020).
 */
export function evaluate(problem: PartitionProblem, stageOf: ArrayLike<number>): Evaluation {
  const { graph, stages, link } = problem;
  const relay = problem.model === "relay";
  const table = stages.map(() => ({
    blocks: 0,
    computeMs: 0,
    communicationMs: 0,
    sendBytes: 0,
    residentBytes: 0,
    stashBytes: 0,
    receiveBytes: 0,
  }));
  graph.blocks.forEach((block, v) => {
    const stage = table[stageOf[v]!]!;
    stage.blocks++;
    stage.computeMs += (block.forwardMs + block.inputGradMs + block.weightGradMs) / stages[stageOf[v]!]!.speed;
    stage.residentBytes += block.residentBytes;
    stage.stashBytes += block.stashBytes;
  });
  const cuts: Cut[] = [];
  graph.nets.forEach((net, e) => {
    const fromStage = stageOf[net.producer]!;
    const touched = new Set([fromStage, ...net.consumers.map((v) => stageOf[v]!)]);
    if (touched.size < 2) return;
    const sorted = [...touched].sort((a, b) => a - b);
    const toStages = sorted.filter((s) => s !== fromStage);
    cuts.push({ net: e, fromStage, toStages });
    if (relay) {
      for (let b = sorted[0]! + 1; b <= sorted[sorted.length - 1]!; b++) {
        const ms = netMs(net, boundaryLink(problem, b));
        table[b - 1]!.communicationMs += ms;
        table[b]!.communicationMs += ms;
        table[b - 1]!.sendBytes += net.forwardBytes;
        table[b]!.sendBytes += net.gradBytes;
        if (net.ordered !== false) table[b]!.receiveBytes += net.forwardBytes;
      }
      return;
    }
    for (const s of sorted) table[s]!.communicationMs += netMs(net, stages[s]!.link ?? link);
    table[fromStage]!.sendBytes += net.forwardBytes + (net.ordered === false ? net.gradBytes : 0);
    for (const s of toStages) {
      if (net.ordered !== false) table[s]!.sendBytes += net.gradBytes;
      if (net.ordered !== false) table[s]!.receiveBytes += net.forwardBytes;
    }
  });
  const evaluated = table.map((stage, s) => ({
    ...stage,
    loadMs: stage.computeMs + stage.communicationMs,
    peakBytes: stage.residentBytes + stages[s]!.inFlight * (stage.stashBytes + stage.receiveBytes),
  }));
  return { stages: evaluated, bottleneckMs: evaluated.reduce((most, { loadMs }) => Math.max(most, loadMs), 0), cuts };
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
  evaluate(problem, stageOf).stages.forEach((stage, s) => {
    const limit = stages[s]!.memoryBytes ?? Infinity;
    if (stage.blocks === 0 && problem.emptyStages !== true) out.push(`stage ${s} is empty`);
    if (stage.peakBytes > limit * (1 + 1e-12)) out.push(`stage ${s} needs ${stage.peakBytes} bytes of ${limit}`);
  });
  for (const { block, stage } of steering?.pins ?? [])
    if (stageOf[block] !== stage) out.push(`block ${block} is on stage ${stageOf[block]}, pinned to ${stage}`);
  const groups = [...(steering?.together ?? [])];
  for (const e of steering?.uncut ?? []) groups.push([graph.nets[e]!.producer, ...graph.nets[e]!.consumers]);
  for (const group of groups)
    if (new Set(group.map((v) => stageOf[v])).size > 1)
      out.push(`blocks ${group.join(", ")} are on more than one stage`);
  return out;
}
