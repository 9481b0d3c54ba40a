/** @file The partition problem: blocks, the tensors between them, stages and what they offer. No op names in here. Types only. */
import type { NodeId } from "../ir/graph.js";
import type { LinkSpec } from "../profile/profile.js";

/** The smallest unit that a stage can hold. */
export interface Block {
  readonly index: number;
  /** For reports: the name of its costliest node. */
  readonly name: string;
  /** Forward nodes; their backward nodes come along. */
  readonly nodes: readonly NodeId[];
  /** Per microbatch, on the device kind that was profiled. */
  readonly forwardMs: number;
  readonly inputGradMs: number;
  readonly weightGradMs: number;
  /** Parameter elements' bytes. */
  readonly parameterBytes: number;
  /** Held once: parameters, gradient accumulators, optimizer state. */
  readonly residentBytes: number;
  /** Held per microbatch in flight: what the backward pass reads again. */
  readonly stashBytes: number;
}

/**
 * Tensors that one block makes and others read, merged when producer and consumers are the same.
 * If any consumer is on another stage, `forwardBytes` leave the producer's stage and `gradBytes` come back.
 */
export interface Net {
  readonly producer: number;
  readonly consumers: readonly number[];
  readonly forwardBytes: number;
  readonly gradBytes: number;
  /**
   * false: the tensor puts its blocks in no order, as a gradient tensor does; it only costs. Its producer may then have
   * any index. Default: every consumer is on the producer's stage or a later one.
   */
  readonly ordered?: boolean;
}

/** Blocks in topological order: the consumers of every ordered net have larger indices than its producer. */
export interface BlockGraph {
  readonly blocks: readonly Block[];
  readonly nets: readonly Net[];
}

/**
 * direct: a net charges its bytes once to each stage it touches (producer and every consuming stage).
 * relay: a net charges its bytes to both sides of every boundary it crosses.
 */
export type CommunicationModel = "direct" | "relay";

/** What stage s has to work with. */
export interface StageResources {
  /** Times of blocks are divided by this; 1 is the profiled device. */
  readonly speed: number;
  /** Bytes of the device that holds this stage, for all its stages together. Undefined: no limit. */
  readonly memoryBytes?: number;
  /** The device that holds this stage; stages of one device add their loads. Default: one of its own. */
  readonly device?: number;
  /** Microbatches whose stash the schedule keeps at once on this stage. */
  readonly inFlight: number;
  /** The link of the device that holds this stage. Undefined: the problem's. A boundary is as slow as the slower end. */
  readonly link?: LinkSpec;
}

/** A block that must be on a stage; `name` is what the user calls it, for messages. */
export interface Pin {
  readonly block: number;
  readonly stage: number;
  readonly name?: string;
}

/** What the user decided beforehand. */
export interface Steering {
  readonly pins?: readonly Pin[];
  /** Blocks of one group share a stage. */
  readonly together?: readonly (readonly number[])[];
  /** Nets, by their place in the list, whose blocks share a stage. */
  readonly uncut?: readonly number[];
}

export interface PartitionProblem {
  readonly graph: BlockGraph;
  readonly model: CommunicationModel;
  /** One per stage, in the order of the data flow. */
  readonly stages: readonly StageResources[];
  /** The link that every cut tensor crosses; in each direction a tensor takes latencyMs + bytes / bytesPerMs. */
  readonly link: LinkSpec;
  readonly steering?: Steering;
  /**
   * Blocks that run their forward pass again in the backward pass and stash less (recompute-choice.ts): all of them, or
   * (auto) as many as each device needs to fit its memory, or, in problems that are only evaluated, these. Left out: none.
   */
  readonly recompute?: "auto" | "all" | readonly number[];
  /** true: a stage may hold no block (the convention of published benchmarks). Default: every stage holds one or more. */
  readonly emptyStages?: boolean;
}

/**
 * How good a partition is known to be, by the load of the slowest device: bound ≤ optimum ≤ bottleneck;
 * gap = (bottleneck − bound) / bottleneck.
 * `ownBoundMs` is the part of the bound that our own arithmetic proves; what `boundMs` is above it rests on the word of
 * the solver, which no known partition contradicts.
 */
export interface Certificate {
  readonly status: "optimal" | "feasible";
  readonly bottleneckMs: number;
  readonly boundMs: number;
  readonly gap: number;
  readonly ownBoundMs: number;
}

/** Stage of each block (non-decreasing along every net) and the certificate. Loads are recomputed from the assignment. */
export interface Partition {
  readonly stageOf: readonly number[];
  /** Time per microbatch of each stage: compute and its share of communication. */
  readonly loadMs: readonly number[];
  /** Blocks that run their forward pass again. */
  readonly again: readonly number[];
  readonly certificate: Certificate;
  /** The method that gave the assignment, e.g. "ideal-dp", "highs", "slicing". */
  readonly solver: string;
}
