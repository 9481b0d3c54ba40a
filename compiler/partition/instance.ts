/** @file The problem as numbers: what every bound and solver reads. Nets with the same blocks are one net here. */
import { invariant } from "../errors.js";
import { boundaryLink, stagesByDevice } from "./evaluate.js";
import { computeMs } from "../compute-ms.js";
import type { LinkSpec } from "../profile/profile.js";
import type { PartitionProblem } from "./problem.js";
import { stashesKept } from "./recompute-choice.js";
import { rowsFromLists, rowsOf, transposed } from "./rows.js";
import type { Rows } from "./rows.js";

/** Nets, each with two or more pins. */
export interface Nets {
  readonly count: number;
  /** Nodes of each net; the producer of an ordered net comes first. */
  readonly pins: Rows;
  /** Nets of each node. */
  readonly of: Rows;
  readonly ordered: Uint8Array;
  /** Transfers that a cut causes: one per direction that carries bytes, summed over the merged nets. */
  readonly messages: Float64Array;
  /** Both directions. */
  readonly bytes: Float64Array;
  /** What a consuming stage receives and keeps. */
  readonly forwardBytes: Float64Array;
  /** Milliseconds on the fastest link: exact when `uniformLinks`, else a lower bound. */
  readonly cost: Float64Array;
}

/** What the stages offer; entry s is stage s. */
export interface StageTable {
  readonly count: number;
  readonly speed: Float64Array;
  /** Bytes; Infinity without limit. Of a device with several stages, an equal share. */
  readonly memory: Float64Array;
  /** Device of stage s, numbered from 0 in the order of first stages. */
  readonly device: Int32Array;
  readonly devices: number;
  /** Some device holds several stages. */
  readonly shared: boolean;
  readonly inFlight: Float64Array;
  /** Link of stage s. */
  readonly latency: Float64Array;
  readonly msPerByte: Float64Array;
  /** Link between stage b − 1 and b; entries 0 and `count` are free. */
  readonly boundaryLatency: Float64Array;
  readonly boundaryMsPerByte: Float64Array;
  readonly uniformLinks: boolean;
  readonly mayBeEmpty: boolean;
}

/** Nodes are in topological order: `after` leads to larger numbers only. */
export interface Instance {
  readonly size: number;
  readonly relay: boolean;
  /** Milliseconds at speed 1, all phases. */
  readonly work: Float64Array;
  readonly totalWork: number;
  /** What running a node's forward pass again takes, at speed 1; undefined when nothing may. */
  readonly againMs: Float64Array | undefined;
  readonly residentBytes: Float64Array;
  readonly stashBytes: Float64Array;
  /** First and last stage that each node may take; never contradicts the order. */
  readonly first: Int32Array;
  readonly last: Int32Array;
  readonly nets: Nets;
  readonly after: Rows;
  readonly before: Rows;
  readonly stages: StageTable;
  /** True when some stage could run out of memory. */
  readonly memoryMatters: boolean;
}

/** A net before merging. */
export interface RawNet {
  readonly pins: readonly number[];
  readonly ordered: boolean;
  readonly messages: number;
  readonly bytes: number;
  readonly forwardBytes: number;
}

/** Node properties before assembly. */
export interface RawNodes {
  readonly work: Float64Array;
  readonly againMs: Float64Array | undefined;
  readonly residentBytes: Float64Array;
  readonly stashBytes: Float64Array;
  readonly first: Int32Array;
  readonly last: Int32Array;
}

function stageTable(problem: PartitionProblem): StageTable {
  const count = problem.stages.length;
  const link = (s: number): LinkSpec => problem.stages[s]!.link ?? problem.link;
  const numbers = (of: (s: number) => number): Float64Array => Float64Array.from({ length: count }, (_, s) => of(s));
  const latency = numbers((s) => link(s).latencyMs);
  const msPerByte = numbers((s) => 1 / link(s).bytesPerMs);
  const boundaryLatency = new Float64Array(count + 1);
  const boundaryMsPerByte = new Float64Array(count + 1);
  for (let b = 1; b < count; b++) {
    const { latencyMs, bytesPerMs } = boundaryLink(problem, b);
    boundaryLatency[b] = latencyMs;
    boundaryMsPerByte[b] = 1 / bytesPerMs;
  }
  const device = new Int32Array(count);
  const byDevice = stagesByDevice(problem);
  byDevice.forEach((own, d) => own.forEach((s) => (device[s] = d)));
  return {
    count,
    speed: numbers((s) => problem.stages[s]!.speed),
    memory: numbers((s) => (problem.stages[s]!.memoryBytes ?? Infinity) / byDevice[device[s]!]!.length),
    device,
    devices: byDevice.length,
    shared: byDevice.length < count,
    inFlight: numbers((s) => problem.stages[s]!.inFlight),
    latency,
    msPerByte,
    boundaryLatency,
    boundaryMsPerByte,
    uniformLinks: latency.every((x) => x === latency[0]) && msPerByte.every((x) => x === msPerByte[0]),
    mayBeEmpty: problem.emptyStages ?? false,
  };
}

/** Adds up nets with the same set of pins. The cost is symmetric in the pins, so nothing is lost. */
function mergeNets(size: number, raw: readonly RawNet[], stages: StageTable): Nets {
  const kept: { pins: readonly number[]; ordered: boolean; messages: number; bytes: number; forwardBytes: number }[] =
    [];
  const byPins = new Map<string, number>();
  for (const net of raw) {
    const key = [...net.pins].sort((a, b) => a - b).join();
    const known = byPins.get(key);
    if (known === undefined) {
      byPins.set(key, kept.length);
      kept.push({ ...net });
      continue;
    }
    const into = kept[known]!;
    if (net.ordered && !into.ordered) {
      into.pins = net.pins;
      into.ordered = true;
    }
    into.messages += net.messages;
    into.bytes += net.bytes;
    into.forwardBytes += net.forwardBytes;
  }
  const pins = rowsFromLists(kept.map((net) => net.pins));
  const latency = stages.latency.reduce((a, b) => Math.min(a, b), Infinity);
  const msPerByte = stages.msPerByte.reduce((a, b) => Math.min(a, b), Infinity);
  return {
    count: kept.length,
    pins,
    of: transposed(pins, size),
    ordered: Uint8Array.from(kept, (net) => (net.ordered ? 1 : 0)),
    messages: Float64Array.from(kept, (net) => net.messages),
    bytes: Float64Array.from(kept, (net) => net.bytes),
    forwardBytes: Float64Array.from(kept, (net) => net.forwardBytes),
    cost: Float64Array.from(kept, (net) => net.messages * latency + net.bytes * msPerByte),
  };
}

function edgesOf(size: number, nets: Nets): Rows {
  const from: number[] = [];
  const to: number[] = [];
  const lastSeen = new Int32Array(size).fill(-1);
  const byProducer = rowsOf(
    size,
    Array.from({ length: nets.count }, (_, e) => nets.pins.entries[nets.pins.start[e]!]!),
    Array.from({ length: nets.count }, (_, e) => e),
  );
  for (let u = 0; u < size; u++) {
    for (let q = byProducer.start[u]!; q < byProducer.start[u + 1]!; q++) {
      const e = byProducer.entries[q]!;
      if (nets.ordered[e] === 0) continue;
      for (let i = nets.pins.start[e]! + 1; i < nets.pins.start[e + 1]!; i++) {
        const v = nets.pins.entries[i]!;
        if (lastSeen[v] === u) continue;
        lastSeen[v] = u;
        from.push(u);
        to.push(v);
      }
    }
  }
  return rowsOf(size, from, to);
}

/**
 * Puts an instance together from nodes and nets.
 *
 * Requires: node numbers are a topological order of the ordered nets; every net has two or more distinct pins.
 */
export function assemble(nodes: RawNodes, raw: readonly RawNet[], relay: boolean, stages: StageTable): Instance {
  const size = nodes.work.length;
  const nets = mergeNets(size, raw, stages);
  const after = edgesOf(size, nets);
  const before = transposed(after, size);
  const first = nodes.first.slice();
  const last = nodes.last.slice();
  for (let v = 0; v < size; v++)
    for (let i = after.start[v]!; i < after.start[v + 1]!; i++) {
      const u = after.entries[i]!;
      invariant(u > v, "instance: nodes are not in topological order");
      first[u] = Math.max(first[u]!, first[v]!);
    }
  for (let v = size - 1; v >= 0; v--)
    for (let i = before.start[v]!; i < before.start[v + 1]!; i++) {
      const u = before.entries[i]!;
      last[u] = Math.min(last[u]!, last[v]!);
    }
  const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
  const received = sum(nets.forwardBytes);
  const most = (s: number): number =>
    sum(nodes.residentBytes) + stages.inFlight[s]! * (sum(nodes.stashBytes) + received);
  return {
    size,
    relay,
    work: nodes.work,
    totalWork: sum(nodes.work),
    againMs: nodes.againMs,
    residentBytes: nodes.residentBytes,
    stashBytes: nodes.stashBytes,
    first,
    last,
    nets,
    after,
    before,
    stages,
    memoryMatters: stages.memory.some((limit, s) => limit < most(s)),
  };
}

/** The instance whose nodes are the blocks of the problem, one to one; steering other than pins is not applied. */
export function instanceOf(problem: PartitionProblem): Instance {
  const { blocks, nets } = problem.graph;
  const first = new Int32Array(blocks.length);
  const last = new Int32Array(blocks.length).fill(problem.stages.length - 1);
  for (const { block, stage } of problem.steering?.pins ?? []) {
    first[block] = Math.max(first[block]!, stage);
    last[block] = Math.min(last[block]!, stage);
  }
  const raw: RawNet[] = [];
  for (const net of nets) {
    const pins = [...new Set([net.producer, ...net.consumers])];
    if (pins.length < 2) continue;
    const directions = (net.forwardBytes > 0 ? 1 : 0) + (net.gradBytes > 0 ? 1 : 0);
    const bytes = net.forwardBytes + net.gradBytes;
    const ordered = net.ordered ?? true;
    raw.push({ pins, ordered, messages: directions, bytes, forwardBytes: ordered ? net.forwardBytes : 0 });
  }
  const all = problem.recompute === "all";
  const nodes: RawNodes = {
    work: Float64Array.from(blocks, (b) => computeMs(b) + (all ? b.forwardMs : 0)),
    againMs: problem.recompute === "auto" ? Float64Array.from(blocks, (b) => b.forwardMs) : undefined,
    residentBytes: Float64Array.from(blocks, (b) => b.residentBytes + (all ? stashesKept(1) * b.stashBytes : 0)),
    stashBytes: Float64Array.from(blocks, (b) => (all ? 0 : b.stashBytes)),
    first,
    last,
  };
  return assemble(nodes, raw, problem.model === "relay", stageTable(problem));
}
