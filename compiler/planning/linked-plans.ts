/** @file The plans that a search for the least memory links: each once, with the one of them that needs least. */
import type { OptimizerSpec } from "../plan/plan.js";
import type { CutPoint } from "./cut-space.js";
import { memoryShares, mostHeld } from "./memory-candidate.js";
import type { Arranged, Placed } from "./placed.js";
import { placedAt } from "./placed-cut.js";
import type { PlanSubject } from "./subject.js";

/** What a whole plan takes, as a multiple of its nodes. */
const WHOLE_WORK = 8;

export interface LinkedPlansOptions {
  readonly optimizer: OptimizerSpec;
  /** Whether a plan keeps the limits that were asked for: then no better one is searched. */
  readonly keeps: (placed: Placed) => boolean;
  readonly isTimeUp: () => Promise<boolean>;
}

export class LinkedPlans {
  readonly #subject: PlanSubject;
  readonly #options: LinkedPlansOptions;
  readonly #known = new Map<Arranged, Map<string, readonly number[]>>();
  /** Nodes that were linked or laid out in memory, by the search as well. */
  work = 0;
  found: Placed | undefined;
  /** What that needs: in proportion to the limits, bytes of the device with the smallest one. */
  foundBytes = Infinity;

  constructor(subject: PlanSubject, options: LinkedPlansOptions) {
    this.#subject = subject;
    this.#options = options;
  }

  /** What linking a plan adds to `work`. */
  get planWork(): number {
    return WHOLE_WORK * this.#subject.training.differentiated.graph.nodes.length;
  }

  /** Offers the plan of a cut unless it was linked before. @returns what its devices hold. */
  link(arranged: Arranged, point: CutPoint): readonly number[] {
    const own = this.#known.get(arranged) ?? new Map<string, readonly number[]>();
    this.#known.set(arranged, own);
    const key = `${point.stageOf.join()} ${point.again.join()}`;
    let held = own.get(key);
    if (!held) {
      const placed = placedAt(this.#subject, arranged, point, this.#options.optimizer);
      this.offer(placed);
      held = placed.heldBytes;
      own.set(key, held);
    }
    return held;
  }

  /** Keeps the plan if it needs less than those before. */
  offer(placed: Placed): void {
    this.work += this.planWork;
    const bytes = mostHeld(placed.heldBytes, memoryShares(placed));
    if (bytes >= this.foundBytes) return;
    this.foundBytes = bytes;
    this.found = placed;
  }

  /** Whether there is a plan and either it fits or time is up. */
  async isEnough(): Promise<boolean> {
    const { keeps, isTimeUp } = this.#options;
    return this.found !== undefined && (keeps(this.found) || (await isTimeUp()));
  }
}
