/** @file The best partition and the best bound so far. Only our own arithmetic on the blocks decides what is better. */
import { gapOf } from "../gap.js";
import { topologicalOrder } from "./components.js";
import { expand } from "./contract.js";
import { evaluate, violations } from "./evaluate.js";
import type { Instance } from "./instance.js";
import type { PartitionProblem } from "./problem.js";
import { slice } from "./slicing.js";

/** Larger instances are not sliced again to fill empty stages. */
const RESLICE_LIMIT = 5000;
/** Sums in another order differ by less. */
const ROUNDING = 1e-9;

/** Assignments are of the instance's nodes; loads and rules are those of the problem's blocks. */
export class Incumbent {
  readonly problem: PartitionProblem;
  readonly instance: Instance;
  stageOf: Int32Array | undefined;
  bottleneckMs = Infinity;
  /** No partition has a smaller bottleneck, by our arithmetic or a solver's word. */
  boundMs: number;
  /** The same by our arithmetic alone. */
  ownBoundMs: number;
  /** A solver's bound that a partition found later was below, if there was one. */
  contradictedMs: number | undefined;
  /** Who found the assignment. */
  method = "none";
  private readonly nodeOf: Int32Array;
  private readonly onChange: () => void;

  /** `onChange` is told of every better partition and bound. */
  constructor(
    problem: PartitionProblem,
    instance: Instance,
    nodeOf: Int32Array,
    boundMs: number,
    onChange: (incumbent: Incumbent) => void = () => undefined,
  ) {
    this.problem = problem;
    this.instance = instance;
    this.nodeOf = nodeOf;
    this.boundMs = boundMs;
    this.ownBoundMs = boundMs;
    this.onChange = () => onChange(this);
  }

  /** Proven; 1 while there is no partition. */
  get gap(): number {
    return this.stageOf === undefined ? 1 : gapOf(this.bottleneckMs, this.boundMs);
  }

  /** Stage of every block. */
  ofBlocks(stageOf: Int32Array): Int32Array {
    return expand(this.nodeOf, stageOf);
  }

  /** Takes the assignment if it is valid and better; one with empty stages is sliced again to fill them. */
  offer(stageOf: Int32Array, method: string): boolean {
    if (this.take(stageOf, method)) return true;
    const { stages, size } = this.instance;
    if (stages.mayBeEmpty || size > RESLICE_LIMIT || new Set(stageOf).size === stages.count) return false;
    const order = topologicalOrder(size, this.instance.after, stageOf);
    const filled = slice(this.instance, order, this.bottleneckMs);
    return filled !== undefined && this.take(filled.stageOf, method);
  }

  /** We have proven that no partition is better than `boundMs`. */
  raise(boundMs: number): void {
    this.ownBoundMs = Math.max(this.ownBoundMs, Math.min(boundMs, this.bottleneckMs));
    this.raiseBySolver(boundMs);
  }

  /** A solver says so, and nothing we know contradicts it. */
  raiseBySolver(boundMs: number): void {
    const raised = Math.max(this.boundMs, Math.min(boundMs, this.bottleneckMs));
    if (raised === this.boundMs) return;
    this.boundMs = raised;
    this.onChange();
  }

  private take(stageOf: Int32Array, method: string): boolean {
    const blocks = this.ofBlocks(stageOf);
    const { bottleneckMs } = evaluate(this.problem, blocks);
    if (!(bottleneckMs < this.bottleneckMs) || violations(this.problem, blocks).length > 0) return false;
    this.stageOf = stageOf;
    this.bottleneckMs = bottleneckMs;
    this.method = method;
    if (this.boundMs > bottleneckMs * (1 + ROUNDING) && this.ownBoundMs <= bottleneckMs * (1 + ROUNDING)) {
      this.contradictedMs = this.boundMs;
      this.boundMs = this.ownBoundMs;
    }
    this.onChange();
    return true;
  }
}
