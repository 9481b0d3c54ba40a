/** @file Plans of one candidate that keep the memory of its devices: cut anew, or with given stages. */
import { workBound } from "../partition/bound.js";
import { certify } from "../partition/certificate.js";
import { instanceOf } from "../partition/instance.js";
import type { Certificate, Partition, PartitionProblem } from "../partition/problem.js";
import { boundedCut } from "./bounded-cut.js";
import { AgainCurve } from "./again-curve.js";
import { isSearched } from "./candidate.js";
import type { Draft, DraftOptions } from "./draft.js";
import { draftOf } from "./draft.js";
import type { Sized } from "./fit-memory.js";
import { cutTightly, fitMemory, holdersOf, keepsLimits, lessReserved, withoutLimits } from "./fit-memory.js";
import { cutOfWork } from "./free-links.js";
import { unlessInfeasible } from "./infeasible.js";
import type { ForwardValue } from "./kept-values.js";
import { forwardValues } from "./kept-values.js";
import type { PlaceOptions } from "./place.js";
import type { Arranged, Placed } from "./placed.js";
import { countedOn, linkDraft, stepMs } from "./placed.js";
import { polish } from "./polish.js";
import { refinedOrder } from "./refined-order.js";
import type { PlanSubject } from "./subject.js";

/** The memory is that which has to fit: of the schedule as it starts, if that is more. */
export interface Fitting extends Sized {
  readonly placed: Placed;
}

export class Fitter {
  readonly #subject: PlanSubject;
  readonly #arranged: Arranged;
  readonly #options: PlaceOptions;
  readonly #timing: DraftOptions;
  /** The same without a search for an order. */
  readonly #start: DraftOptions;
  readonly limits: readonly (number | undefined)[];
  /** Of all plans so far. */
  linkedNodes = 0;
  readonly #holders: readonly (readonly number[])[];
  #boundMs = Infinity;
  #ownBoundMs = Infinity;
  #workMs: number | undefined;
  #values: readonly ForwardValue[] | undefined;

  constructor(subject: PlanSubject, arranged: Arranged, options: PlaceOptions) {
    const { cluster, schedule, candidate } = arranged;
    const { seed } = options;
    this.#subject = subject;
    this.#arranged = arranged;
    this.#options = options;
    this.#timing = {
      cluster,
      schedule,
      isSearched: isSearched(candidate),
      ...(seed === undefined ? {} : { seed }),
    };
    this.#start = { ...this.#timing, isSearched: false };
    this.limits = cluster.devices.map(({ memoryBytes }) => memoryBytes);
    this.#holders = holdersOf(schedule);
  }

  keeps({ heldBytes }: Sized): boolean {
    return keepsLimits(heldBytes, this.limits);
  }

  /** A cut of the problem whose plan fits; `reserved`: see fit-memory.ts. */
  fit(problem: PartitionProblem, reserved?: readonly number[]): Promise<Fitting | undefined> {
    const { limits } = this;
    return fitMemory(problem, { limits, holders: this.#holders, ...(reserved && { reserved }) }, (limited) =>
      this.#cutAndLink(limited),
    );
  }

  /** A quick cut without limits, if quick ones are wanted. */
  async freeCut(problem: PartitionProblem): Promise<Partition | undefined> {
    const { quick } = this.#options;
    return quick && unlessInfeasible(() => quick(withoutLimits(problem)));
  }

  /** A quick cut under the limits with all forward passes running again, if quick ones are wanted. */
  async wholeCut(problem: PartitionProblem): Promise<Partition | undefined> {
    const { quick } = this.#options;
    return quick && unlessInfeasible(() => quick({ ...problem, recompute: "all" }));
  }

  /** A quick cut that is counted to hold about as little as any when all runs again, if quick ones are wanted. */
  async tightCut(problem: PartitionProblem): Promise<Partition | undefined> {
    const { quick } = this.#options;
    return quick && unlessInfeasible(() => cutTightly({ ...problem, recompute: "all" }, quick));
  }

  /** What may run again with these stages. */
  againCurve(stageOf: readonly number[]): AgainCurve {
    this.#values ??= forwardValues(this.#subject);
    return new AgainCurve(this.#arranged.problem, stageOf, this.#values);
  }

  /** The time of these stages with what runs again under the limits of `problem`, in the order that the schedule starts from. */
  draftMs(problem: PartitionProblem, stageOf: readonly number[], solver: string): number {
    return this.#draft(problem, stageOf, solver).timeline.makespanMs;
  }

  /** The plan of that, told as by `told`. */
  relink(problem: PartitionProblem, stageOf: readonly number[], solver: string): Fitting {
    const fitting = this.#linked(problem, this.#draft(problem, stageOf, solver));
    return { ...fitting, placed: this.told(fitting.placed) };
  }

  /** A plan of the schedule as it starts, in a better order if one is to be searched, is found and fits. */
  searched(fitting: Fitting): Fitting {
    if (!this.#timing.isSearched) return fitting;
    const { problem, draft } = fitting.placed;
    const found = this.#linked(problem, draftOf(this.#subject, problem, draft.cut, this.#timing));
    return this.keeps(found) && stepMs(found.placed) < stepMs(fitting.placed) ? found : fitting;
  }

  /** The same plan with its order searched for longer, where it is searched. Requires: the plan fits. Ensures: so does it. */
  refined(placed: Placed): Placed {
    if (!this.#timing.isSearched) return placed;
    const { problem, draft, certificate } = placed;
    const next = this.#linked(problem, refinedOrder(draft, this.#arranged.schedule, this.#timing.seed));
    return this.keeps(next) ? { ...next.placed, certificate } : placed;
  }

  /** The same plan, whose problem is the candidate's, with limits less what the partitioner does not count. */
  told(placed: Placed): Placed {
    const { problem, heldBytes, draft } = placed;
    const counted = countedOn(problem, draft.cut.stageOf, this.#holders, heldBytes.length);
    const uncounted = heldBytes.map((bytes, device) => bytes - counted[device]!);
    const { recompute } = problem;
    const own = { ...this.#arranged.problem, ...(recompute === undefined ? {} : { recompute }) };
    return { ...placed, problem: lessReserved(own, this.#holders, uncounted) };
  }

  /** The plan with the best bounds of all problems that were cut: of those with the limits as they are counted. */
  certified({ placed }: Fitting): Placed {
    const { bottleneckMs, boundMs, ownBoundMs } = placed.draft.cut.certificate;
    if (this.#boundMs === Infinity) return { ...placed, certificate: certify(bottleneckMs, boundMs, ownBoundMs) };
    return { ...placed, certificate: certify(bottleneckMs, Math.min(bottleneckMs, this.#boundMs), this.#ownBoundMs) };
  }

  /** What holds for every cut of the candidate, whatever runs again. */
  #workBounds(): Pick<Certificate, "boundMs" | "ownBoundMs"> {
    this.#workMs ??= workBound(instanceOf(this.#arranged.problem));
    return { boundMs: this.#workMs, ownBoundMs: this.#workMs };
  }

  #draft(problem: PartitionProblem, stageOf: readonly number[], solver: string): Draft {
    const cut = boundedCut(problem, stageOf, this.#workBounds(), solver);
    return draftOf(this.#subject, problem, cut, this.#start);
  }

  async #cutAndLink(problem: PartitionProblem): Promise<Fitting> {
    const { onPass, partition, quick, isTimeUp } = this.#options;
    onPass("partition");
    const cut = await partition(problem);
    const isOfAll = problem.recompute !== this.#arranged.problem.recompute;
    const { boundMs, ownBoundMs } = isOfAll ? this.#workBounds() : cut.certificate;
    this.#boundMs = Math.min(this.#boundMs, boundMs);
    this.#ownBoundMs = Math.min(this.#ownBoundMs, ownBoundMs);
    const other = quick && (await cutOfWork(problem, cut, quick));
    onPass("simulate");
    let best: Draft | undefined;
    for (const start of other ? [cut, other] : [cut]) {
      const first = draftOf(this.#subject, problem, start, this.#timing);
      const draft = await polish(this.#subject, problem, first, { ...this.#timing, isTimeUp });
      if (!best || draft.timeline.makespanMs < best.timeline.makespanMs) best = draft;
    }
    return this.#sized(problem, best!);
  }

  /** With the memory of the schedule as it starts, if that is more. */
  #sized(problem: PartitionProblem, draft: Draft): Fitting {
    const fitting = this.#linked(problem, draft);
    const isLimited = this.limits.some((bytes) => bytes !== undefined);
    if (!this.#timing.isSearched || !isLimited) return fitting;
    const start = this.#linked(problem, draftOf(this.#subject, problem, draft.cut, this.#start));
    const heldBytes = fitting.heldBytes.map((bytes, at) => Math.max(bytes, start.heldBytes[at]!));
    return { ...fitting, heldBytes };
  }

  #linked(problem: PartitionProblem, draft: Draft): Fitting {
    const { onPass, optimizer } = this.#options;
    onPass("link");
    this.linkedNodes += draft.recomputed.differentiated.graph.nodes.length;
    const placed = linkDraft(this.#subject, { ...this.#arranged, problem }, draft, optimizer);
    const { heldBytes } = placed;
    return { placed, heldBytes, countedBytes: countedOn(problem, draft.cut.stageOf, this.#holders, heldBytes.length) };
  }
}
