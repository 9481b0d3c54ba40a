/**
 * @file Loads and memory of devices for one assignment after another of the same problem: the part of evaluate.ts that
 * descents ask for, with everything in flat arrays.
 */
import { computeMs } from "../compute-ms.js";
import type { LinkSpec } from "../profile/profile.js";
import { boundaryLink, netMs, stagesByDevice } from "./evaluate.js";
import type { PartitionProblem } from "./problem.js";
import type { AgainOffer } from "./recompute-choice.js";
import { againOffer, byPrice, chooseOfSorted, stashesSaved } from "./recompute-choice.js";
import type { Rows } from "./rows.js";
import { rowsFromLists } from "./rows.js";

/** What a block offers on a stage. */
interface StageOffer {
  readonly stage: number;
  readonly offer: AgainOffer;
}

export class DeviceLoads {
  readonly #problem: PartitionProblem;
  readonly #devices: readonly (readonly number[])[];
  /** By stage: place in the list of devices. */
  readonly #deviceOf: Int32Array;
  readonly #blockMs: Float64Array;
  /** Producer first. */
  readonly #pins: Rows;
  /** By net and stage; relayed, by net and boundary, numbered as the stage behind it. */
  readonly #netMs: Float64Array;
  readonly #computeMs: Float64Array;
  readonly #communicationMs: Float64Array;
  readonly #residentBytes: Float64Array;
  /** Stashed and received, per microbatch in flight. */
  readonly #flightBytes: readonly [stashed: Float64Array, received: Float64Array];
  /** By stage: stashes that a block saves if it runs again. */
  readonly #saved: Float64Array;
  /** By device: what every block would offer on each of its stages, by rising price. */
  readonly #offers: readonly (readonly StageOffer[])[];
  /** By stage or device: the last net that was paid there. */
  readonly #paid: Int32Array;
  /** By block: whether it is in the list of those that run again, if there is one. */
  readonly #isGiven: Uint8Array | undefined;
  /** Of the last assignment, by device. */
  readonly loadMs: Float64Array;
  readonly peakBytes: Float64Array;

  constructor(problem: PartitionProblem) {
    const { graph, stages, link } = problem;
    const count = stages.length;
    this.#problem = problem;
    this.#devices = stagesByDevice(problem);
    this.#deviceOf = new Int32Array(count);
    this.#devices.forEach((own, device) => own.forEach((stage) => (this.#deviceOf[stage] = device)));
    this.#blockMs = Float64Array.from(graph.blocks, computeMs);
    this.#pins = rowsFromLists(graph.nets.map(({ producer, consumers }) => [producer, ...consumers]));
    const linkAt = (stage: number): LinkSpec =>
      problem.model === "direct" ? (stages[stage]!.link ?? link) : boundaryLink(problem, Math.max(1, stage));
    const links = count > 1 || problem.model === "direct" ? stages.map((_, stage) => linkAt(stage)) : [link];
    this.#netMs = Float64Array.from(graph.nets.flatMap((net) => links.map((own) => netMs(net, own))));
    this.#computeMs = new Float64Array(count);
    this.#communicationMs = new Float64Array(count);
    this.#residentBytes = new Float64Array(count);
    this.#flightBytes = [new Float64Array(count), new Float64Array(count)];
    this.#saved = Float64Array.from(stages, ({ inFlight }) => stashesSaved(inFlight));
    this.#offers = problem.recompute === "auto" ? this.#devices.map((own) => this.#sortedOffers(own)) : [];
    this.#paid = new Int32Array(count);
    const { recompute } = problem;
    if (typeof recompute === "object") {
      this.#isGiven = new Uint8Array(graph.blocks.length);
      for (const block of recompute) this.#isGiven[block] = 1;
    }
    this.loadMs = new Float64Array(this.#devices.length);
    this.peakBytes = new Float64Array(this.#devices.length);
  }

  /** Bytes of each device; Infinity for no limit. */
  get limits(): readonly number[] {
    return this.#devices.map(([stage]) => this.#problem.stages[stage!]!.memoryBytes ?? Infinity);
  }

  /** As `evaluate` does. O(blocks + pins), and a sort of the blocks of each device that has too little memory. */
  evaluate(stageOf: ArrayLike<number>): void {
    const { graph, stages } = this.#problem;
    const [stashed, received] = this.#flightBytes;
    for (const sums of [this.#computeMs, this.#communicationMs, this.#residentBytes, stashed, received]) sums.fill(0);
    for (let v = 0; v < graph.blocks.length; v++) {
      const at = stageOf[v]!;
      this.#computeMs[at]! += this.#blockMs[v]! / stages[at]!.speed;
      this.#residentBytes[at]! += graph.blocks[v]!.residentBytes;
      stashed[at]! += graph.blocks[v]!.stashBytes;
    }
    this.#paid.fill(-1);
    if (this.#problem.model === "relay") this.#relay(stageOf);
    else this.#direct(stageOf);
    const peak = stages.map(({ inFlight }, s) => this.#residentBytes[s]! + inFlight * (stashed[s]! + received[s]!));
    this.#runAgain(stageOf, peak);
    this.#devices.forEach((own, device) => {
      this.loadMs[device] = own.reduce((sum, s) => sum + (this.#computeMs[s]! + this.#communicationMs[s]!), 0);
      this.peakBytes[device] = own.reduce((sum, s) => sum + peak[s]!, 0);
    });
  }

  #direct(stageOf: ArrayLike<number>): void {
    const { start, entries } = this.#pins;
    const { nets } = this.#problem.graph;
    const count = this.#problem.stages.length;
    const received = this.#flightBytes[1];
    for (let e = 0; e < nets.length; e++) {
      const from = stageOf[entries[start[e]!]!]!;
      const home = this.#deviceOf[from]!;
      const away: number[] = [];
      for (let p = start[e]! + 1; p < start[e + 1]!; p++) {
        const at = stageOf[entries[p]!]!;
        if (this.#deviceOf[at]! !== home && !away.includes(at)) away.push(at);
      }
      if (away.length === 0) continue;
      if (away.length > 1) away.sort((a, b) => a - b);
      for (const at of away) {
        if (this.#paid[this.#deviceOf[at]!] === e) continue;
        this.#paid[this.#deviceOf[at]!] = e;
        this.#communicationMs[at]! += this.#netMs[e * count + at]!;
        if (nets[e]!.ordered !== false) received[at]! += nets[e]!.forwardBytes;
      }
      this.#communicationMs[from]! += this.#netMs[e * count + from]!;
    }
  }

  #relay(stageOf: ArrayLike<number>): void {
    const { start, entries } = this.#pins;
    const { nets } = this.#problem.graph;
    const count = this.#problem.stages.length;
    const received = this.#flightBytes[1];
    for (let e = 0; e < nets.length; e++) {
      let [first, last] = [count, 0];
      for (let p = start[e]!; p < start[e + 1]!; p++) {
        const at = stageOf[entries[p]!]!;
        if (at < first) first = at;
        if (at > last) last = at;
      }
      for (let b = first + 1; b <= last; b++) {
        if (this.#deviceOf[b - 1] === this.#deviceOf[b]) continue;
        const ms = this.#netMs[e * count + b]!;
        this.#communicationMs[b - 1]! += ms;
        this.#communicationMs[b]! += ms;
        if (nets[e]!.ordered !== false) received[b]! += nets[e]!.forwardBytes;
      }
    }
  }

  /** Adds what running again takes, and takes off `peak`, by stage, what it saves. */
  #runAgain(stageOf: ArrayLike<number>, peak: number[]): void {
    const { recompute } = this.#problem;
    if (recompute === undefined) return;
    const { limits } = this;
    this.#devices.forEach((own, device) => {
      const needed = own.reduce((sum, s) => sum + peak[s]!, 0) - limits[device]!;
      if (recompute === "auto" && !(needed > 0)) return;
      const chosen = recompute === "auto" ? chooseOfSorted(this.#offersOf(device, stageOf), needed) : undefined;
      if (!chosen) this.#runGiven(own, stageOf, peak);
      for (const { block, ms, savesBytes } of chosen ?? []) {
        this.#computeMs[stageOf[block]!]! += ms;
        peak[stageOf[block]!]! -= savesBytes;
      }
    });
  }

  /** The blocks of a list, or all. */
  #runGiven(own: readonly number[], stageOf: ArrayLike<number>, peak: number[]): void {
    const { graph, stages } = this.#problem;
    for (let v = 0; v < graph.blocks.length; v++) {
      const at = stageOf[v]!;
      if (!own.includes(at) || this.#isGiven?.[v] === 0) continue;
      const { forwardMs, stashBytes } = graph.blocks[v]!;
      this.#computeMs[at]! += forwardMs / stages[at]!.speed;
      peak[at]! -= this.#saved[at]! * stashBytes;
    }
  }

  #sortedOffers(own: readonly number[]): readonly StageOffer[] {
    const { graph, stages } = this.#problem;
    const stageOf = new Map<AgainOffer, number>(
      own.flatMap((stage) => graph.blocks.map((block) => [againOffer(block, stages[stage]!), stage] as const)),
    );
    return byPrice([...stageOf.keys()]).map((offer) => ({ offer, stage: stageOf.get(offer)! }));
  }

  /** What blocks on a device offer, by rising price. */
  #offersOf(device: number, stageOf: ArrayLike<number>): readonly AgainOffer[] {
    return this.#offers[device]!.flatMap(({ stage, offer }) => (stageOf[offer.block] === stage ? [offer] : []));
  }
}
