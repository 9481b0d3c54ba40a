/**
 * @file Which blocks of a device run again at what price: the sets for which time plus price times kept bytes is least.
 * Blocks of a chain save little one by one, since each reads what the one before made; whole runs of them save more.
 * Found by minimum cuts (a block that runs again pays its time, a value that is read and not made again its bytes), as
 * Jain et al. 2020 (Checkmate, arXiv 1910.02653) state the choice, without its order in time.
 */
import type { PartitionProblem } from "../partition/problem.js";
import { FlowNetwork } from "../partition/min-cut.js";
import { againOffers } from "../partition/evaluate.js";
import type { AgainOffer } from "../partition/recompute-choice.js";
import { byPrice, chooseOfSorted, stashesSaved } from "../partition/recompute-choice.js";
import type { ForwardValue } from "./kept-values.js";

/** Blocks of a device that run again. */
export interface AgainSet {
  readonly blocks: readonly number[];
  /** Per microbatch, with later blocks of a stage counted as a little dearer. */
  readonly ms: number;
  /** What the device then keeps of all microbatches in flight, but for what it keeps in any case. */
  readonly keptBytes: number;
  /** About the price at which it is chosen, in ms per byte; Infinity for all blocks. */
  readonly msPerByte: number;
}

/** Sets that are found by cuts, at most; the one of all blocks comes on top. */
const MOST_CUT = 48;
/** Sets of the partitioner, at most: where there are more, each is to save more than the one before by this part of all. */
const MOST_CHOSEN = 48;
/** Sets that are tried where each costs a plan. */
const FEW = 12;
/** Far above any sum of costs. */
const UNLIMITED = 1e15;
/** Later blocks of a stage count as dearer by up to this share, so that like blocks run again one after another. */
const TILT = 0.02;
/** A price at which memory is all that counts, in times of everything per byte. */
const HIGHEST = 1e3;

/** The choices of the devices of one cut. */
export class AgainCurve {
  readonly #problem: PartitionProblem;
  readonly #stageOf: readonly number[];
  readonly #values: readonly ForwardValue[];

  constructor(problem: PartitionProblem, stageOf: readonly number[], values: readonly ForwardValue[]) {
    this.#problem = problem;
    this.#stageOf = stageOf;
    this.#values = values;
  }

  /**
   * Of a device with these stages: from nothing to all, ever dearer sets that keep ever less. Of more than `MOST_CUT`
   * found by cuts, those in the widest gaps. Cost: a flow for each of these.
   */
  sets(stages: readonly number[]): readonly AgainSet[] {
    const networks = this.#networks(stages);
    const whole = this.#all(stages, networks);
    const none = setOf(networks, [], 0);
    const most = at(networks, (HIGHEST * whole.ms) / Math.max(1, none.keptBytes));
    const found = [none, most];
    const gaps: Gap[] = [[none, most]];
    while (gaps.length > 0 && found.length < MOST_CUT) {
      const [a, b] = gaps.sort((one, other) => width(one) - width(other)).pop()!;
      if (b.keptBytes >= a.keptBytes) continue;
      const next = at(networks, (b.ms - a.ms) / (a.keptBytes - b.keptBytes));
      if (next.keptBytes >= a.keptBytes || next.keptBytes <= b.keptBytes) continue;
      found.push(next);
      gaps.push([a, next], [next, b]);
    }
    const curve = undominated([...found, ...this.#chosen(stages, networks)]);
    return whole.blocks.length > curve.at(-1)!.blocks.length ? [...curve, whole] : curve;
  }

  /** Some of these sets, spread over them, with the first and the last. */
  fewSets(stages: readonly number[]): readonly AgainSet[] {
    const sets = this.sets(stages);
    if (sets.length <= FEW) return sets;
    return Array.from({ length: FEW }, (_, at) => sets[Math.round((at * (sets.length - 1)) / (FEW - 1))]!);
  }

  /** Of a device with these stages, the set at a price. */
  at(stages: readonly number[], msPerByte: number): AgainSet {
    const networks = this.#networks(stages);
    return msPerByte === Infinity ? this.#all(stages, networks) : at(networks, msPerByte);
  }

  /** The sets that the partitioner chooses, which lie between those of the curve; at the price for which they are worth it. */
  #chosen(stages: readonly number[], networks: readonly StageNetwork[]): readonly AgainSet[] {
    const offers = byPrice(
      againOffers(this.#problem, this.#stageOf).filter(({ block }) => stages.includes(this.#stageOf[block]!)),
    );
    const none = setOf(networks, [], 0);
    const choices = everMore(offers, 1) ?? everMore(offers, 1 + Math.ceil(savedBy(offers) / MOST_CHOSEN))!;
    return choices.map((taken) => {
      const blocks = taken.map(({ block }) => block);
      const set = setOf(networks, blocks, 0);
      return { ...set, msPerByte: set.ms / Math.max(1, none.keptBytes - set.keptBytes) };
    });
  }

  #all(stages: readonly number[], networks: readonly StageNetwork[]): AgainSet {
    const blocks = this.#stageOf.flatMap((stage, block) => (stages.includes(stage) ? [block] : []));
    return setOf(networks, blocks, Infinity);
  }

  #networks(stages: readonly number[]): readonly StageNetwork[] {
    return stages.map((stage) => new StageNetwork(this.#problem, this.#stageOf, stage, this.#values));
  }
}

function savedBy(taken: readonly AgainOffer[]): number {
  return taken.reduce((sum, { savesBytes }) => sum + savesBytes, 0);
}

/** Choices from nearly nothing to about all, each of which saves so many bytes more; undefined where they are too many. */
function everMore(offers: readonly AgainOffer[], apart: number): readonly (readonly AgainOffer[])[] | undefined {
  const choices: (readonly AgainOffer[])[] = [];
  for (let saved = 0; choices.length <= MOST_CHOSEN;) {
    const taken = chooseOfSorted(offers, Math.floor(saved) + apart);
    if (!taken) return choices;
    choices.push(taken);
    saved = savedBy(taken);
  }
  return undefined;
}

/** Two sets between which another one may be. */
type Gap = readonly [cheaper: AgainSet, dearer: AgainSet];

function width([cheaper, dearer]: Gap): number {
  return cheaper.keptBytes - dearer.keptBytes;
}

/** Ascending by time, without those that take as long as others and keep as much. */
function undominated(sets: readonly AgainSet[]): readonly AgainSet[] {
  const sorted = sets.toSorted((a, b) => a.ms - b.ms || a.keptBytes - b.keptBytes);
  let least = Infinity;
  return sorted.filter(({ keptBytes }) => {
    if (keptBytes >= least) return false;
    least = keptBytes;
    return true;
  });
}

function at(networks: readonly StageNetwork[], msPerByte: number): AgainSet {
  return setOf(
    networks,
    networks.flatMap((network) => network.cheapest(msPerByte)),
    msPerByte,
  );
}

function setOf(networks: readonly StageNetwork[], blocks: readonly number[], msPerByte: number): AgainSet {
  const again = new Set(blocks);
  const sum = (pick: (network: StageNetwork) => number) => networks.reduce((total, own) => total + pick(own), 0);
  return {
    blocks,
    ms: sum((network) => network.ms(again)),
    keptBytes: sum((network) => network.keptBytes(again)),
    msPerByte,
  };
}

/** A stage with what its choice turns on: its blocks, and values by who makes and reads them there. */
class StageNetwork {
  readonly #blocks: readonly number[];
  readonly #ms: readonly number[];
  readonly #inFlight: number;
  /** Read by the backward pass: kept unless the maker runs again. */
  readonly #stashed: readonly ForwardValue[];
  /** Read by the forward pass alone: kept if a reader runs again and the maker, if it is here, does not. */
  readonly #read: readonly ForwardValue[];
  readonly #placeOf: ReadonlyMap<number, number>;

  constructor(
    { graph, stages }: PartitionProblem,
    stageOf: readonly number[],
    stage: number,
    values: readonly ForwardValue[],
  ) {
    const isHere = (block: number): boolean => stageOf[block] === stage;
    this.#blocks = stageOf.flatMap((own, block) => (own === stage ? [block] : []));
    this.#placeOf = new Map(this.#blocks.map((block, place) => [block, place]));
    const { speed, inFlight } = stages[stage]!;
    this.#ms = this.#blocks.map(
      (block, place) => (graph.blocks[block]!.forwardMs / speed) * (1 + (TILT * place) / this.#blocks.length),
    );
    this.#inFlight = stashesSaved(inFlight);
    const own = values.map((value) => ({ ...value, readers: value.readers.filter(isHere) }));
    const isRead = ({ backward }: ForwardValue): boolean => backward.some(isHere);
    this.#stashed = own.filter(
      (value) => isHere(value.maker) && value.backward.length > 0 && value.backward.every(isHere),
    );
    this.#read = own.filter(
      (value) => !isRead(value) && value.readers.length > 0 && (!isHere(value.maker) || value.backward.length === 0),
    );
  }

  ms(again: ReadonlySet<number>): number {
    return this.#blocks.reduce((sum, block, place) => sum + (again.has(block) ? this.#ms[place]! : 0), 0);
  }

  keptBytes(again: ReadonlySet<number>): number {
    const stashed = this.#stashed.filter(({ maker }) => !again.has(maker));
    const read = this.#read.filter(({ maker, readers }) => !again.has(maker) && readers.some((own) => again.has(own)));
    return this.#inFlight * [...stashed, ...read].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The fewest blocks for which time and price times kept bytes are least together. */
  cheapest(msPerByte: number): readonly number[] {
    const count = this.#blocks.length;
    const total = this.#ms.reduce((sum, ms) => sum + ms, 0);
    const flow = new FlowNetwork(1e-12 * Math.max(total, Number.MIN_VALUE));
    flow.reset(count + this.#read.length);
    this.#ms.forEach((ms, place) => flow.tie(place, -ms));
    const price = msPerByte * this.#inFlight;
    for (const { maker, bytes } of this.#stashed) flow.tie(this.#placeOf.get(maker)!, price * bytes);
    this.#read.forEach(({ maker, readers, bytes }, index) => {
      const any = count + index;
      for (const reader of readers) flow.arc(this.#placeOf.get(reader)!, any, UNLIMITED, 0);
      const home = this.#placeOf.get(maker);
      if (home === undefined) flow.tie(any, -price * bytes);
      else flow.arc(any, home, price * bytes, 0);
    });
    flow.maximize();
    return this.#blocks.filter((_, place) => flow.inSource(place));
  }
}
