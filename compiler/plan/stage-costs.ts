/** @file Times and transfers of the stages of a partition: what the simulator needs. */
import type { ForwardModel, ForwardTensor } from "../partition/forward-model.js";
import type { NodeId } from "../ir/graph.js";
import type { LinkSpec, NodeCost, Overheads } from "../profile/profile.js";
import type { ScheduleCosts, Transfer } from "../schedule/costs.js";
import type { Plan } from "./plan.js";

/** Of devices on which nothing was measured. */
export const NO_OVERHEADS: Overheads = { actionMs: 0, messageMs: 0, updateMsPerElement: 0 };

/** Where the stages run. */
export interface StagePlaces {
  /** Device of every stage. */
  readonly placement: readonly number[];
  /** By stage, whether the schedule runs I and W apart: then each has a start of its own. */
  readonly isSplit: readonly boolean[];
  /** What carries tensors from one device to another. */
  readonly linkFrom: (from: number, to: number) => LinkSpec;
  /** By device. */
  readonly overheads: readonly Overheads[];
  /** Whether a forward node's pass runs again, so that it stashes nothing. */
  readonly runsAgain?: (node: NodeId) => boolean;
}

/**
 * Times and transfers of the stages, per microbatch, and the bytes that they stash, all of them until W is done.
 * Requires: `costs`, of every forward node on the device of its stage; a stage for every one.
 */
export function stageCosts(
  { nodes, tensors }: ForwardModel,
  costs: ReadonlyMap<NodeId, NodeCost>,
  stageOf: ReadonlyMap<NodeId, number>,
  places: StagePlaces,
): ScheduleCosts {
  const { placement, isSplit, overheads, runsAgain } = places;
  const stashBytes = new Array<number>(placement.length).fill(0);
  for (const node of nodes) if (!runsAgain?.(node.id)) stashBytes[stageOf.get(node.id)!]! += node.stashBytes;
  const sum = (pick: (cost: NodeCost) => number, starts: readonly boolean[] = placement.map(() => true)): number[] => {
    const total = placement.map((device, stage) => (starts[stage] ? overheads[device]!.actionMs : 0));
    for (const [id, cost] of costs) total[stageOf.get(id)!]! += pick(cost);
    return total;
  };
  return {
    forwardMs: sum(({ forwardMs }) => forwardMs),
    inputGradMs: sum(({ inputGradMs }) => inputGradMs),
    weightGradMs: sum(({ weightGradMs }) => weightGradMs, isSplit),
    transfers: transfersOf(tensors, stageOf, places),
    stash: { forward: stashBytes, weight: stashBytes },
  };
}

/** What carries tensors from one device to another. */
export function linkFrom({ link, links = [] }: Pick<Plan, "link" | "links">, from: number, to: number): LinkSpec {
  return links.find((own) => own.from === from && own.to === to) ?? link;
}

/** A tensor goes once to each stage that reads it. */
function transfersOf(
  tensors: readonly ForwardTensor[],
  stageOf: ReadonlyMap<NodeId, number>,
  places: StagePlaces,
): readonly Transfer[] {
  const table = new TransferTable(places);
  for (const { maker, readers, bytes, direction } of tensors) {
    const at = stageOf.get(maker)!;
    for (const reader of new Set(readers.map((node) => stageOf.get(node)!)))
      if (reader !== at) table.add(at, reader, bytes, direction);
  }
  return table.transfers;
}

/** Bytes between pairs of stages as wire times. */
export class TransferTable {
  readonly #places: Pick<StagePlaces, "placement" | "linkFrom" | "overheads">;
  readonly #pairs = new Map<string, { from: number; to: number; forwardMs: number; gradMs: number }>();

  constructor(places: Pick<StagePlaces, "placement" | "linkFrom" | "overheads">) {
    this.#places = places;
  }

  /** A tensor that stage `maker` makes and stage `reader` reads. */
  add(maker: number, reader: number, bytes: number, direction: ForwardTensor["direction"]): void {
    const [from, to] = maker < reader ? [maker, reader] : [reader, maker];
    const pair = this.#pairs.get(`${from}-${to}`) ?? { from, to, forwardMs: 0, gradMs: 0 };
    this.#pairs.set(`${from}-${to}`, pair);
    const ms = bytes / this.#link(maker, reader).bytesPerMs;
    if (direction === "forward") pair.forwardMs += ms;
    else pair.gradMs += ms;
  }

  get transfers(): readonly Transfer[] {
    return [...this.#pairs.values()].map((pair) => {
      const { from, to } = pair;
      const [latencyMs, back] = [this.#latencyMs(from, to), this.#latencyMs(to, from)];
      return { ...pair, latencyMs, ...(back === latencyMs ? {} : { gradLatencyMs: back }) };
    });
  }

  #link(from: number, to: number): LinkSpec {
    return this.#places.linkFrom(this.#places.placement[from]!, this.#places.placement[to]!);
  }

  #latencyMs(from: number, to: number): number {
    return this.#link(from, to).latencyMs + this.#places.overheads[this.#places.placement[to]!]!.messageMs;
  }
}
