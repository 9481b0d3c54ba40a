/** @file Minimum cuts of nets over the ideals between two given sets, as maximum flows. */
import { bitsOf, hasBit } from "./bits.js";
import type { Instance } from "./instance.js";
import { FlowNetwork } from "./min-cut.js";
import type { Rows } from "./rows.js";

const FREE = 0;
const INSIDE = 1;
const OUTSIDE = 2;

/** Far above any sum of costs; times are milliseconds. */
const UNLIMITED = 1e15;

/** Builds the network of one region at a time and minimises over it for any number of slopes. */
export class CutNetwork {
  /** Cost of the nets with free pins that every ideal of the region cuts. */
  constant = 0;
  private readonly instance: Instance;
  private readonly before: Rows;
  private readonly flow: FlowNetwork;
  private readonly state: Uint8Array;
  private readonly local: Int32Array;
  private readonly stamp: Int32Array;
  private stamps = 0;
  private free: number[] = [];
  private inside: Uint32Array = new Uint32Array(0);
  private outside: Uint32Array = new Uint32Array(0);

  /** `before`: edges that imply the order, as few as possible. */
  constructor(instance: Instance, before: Rows) {
    this.instance = instance;
    this.before = before;
    const largest = instance.nets.cost.reduce((a, b) => Math.max(a, b), instance.totalWork);
    this.flow = new FlowNetwork(1e-13 * largest);
    this.state = new Uint8Array(instance.size);
    this.local = new Int32Array(instance.size);
    this.stamp = new Int32Array(instance.nets.count).fill(-1);
  }

  /**
   * Prepares the region of the ideals that hold `inside` and none of `outside`; returns its free nodes.
   *
   * Source side = in the ideal. A net costs when it has pins on both sides: through its producer if it is ordered, else
   * through two helper nodes (Lawler 1973). Closure arcs keep the predecessors of members in. O(size / 32 + free pins).
   */
  build(inside: Uint32Array, outside: Uint32Array): readonly number[] {
    const { nets, size } = this.instance;
    this.inside = inside;
    this.outside = outside;
    this.free = [];
    for (let w = 0; w < inside.length; w++) {
      const last = size - w * 32;
      const all = last >= 32 ? -1 : (1 << last) - 1;
      bitsOf(all & ~(inside[w]! | outside[w]!), w, this.free);
    }
    this.free.forEach((v, i) => (this.local[v] = i));
    this.stamps++;
    const touched: number[] = [];
    for (const v of this.free)
      for (let q = nets.of.start[v]!; q < nets.of.start[v + 1]!; q++) {
        const e = nets.of.entries[q]!;
        if (this.stamp[e] === this.stamps || nets.cost[e] === 0) continue;
        this.stamp[e] = this.stamps;
        touched.push(e);
      }
    this.flow.reset(this.free.length + 2 * touched.length);
    this.constant = 0;
    let extra = this.free.length;
    for (const e of touched) extra = this.addNet(e, extra);
    for (const v of this.free)
      for (let q = this.before.start[v]!; q < this.before.start[v + 1]!; q++) {
        const u = this.before.entries[q]!;
        if (this.sideOf(u) === FREE) this.flow.arc(this.local[v]!, this.local[u]!, UNLIMITED, 0);
      }
    this.flow.save();
    return this.free;
  }

  /**
   * min over the region's ideals of (cut of nets with free pins) − `constant` + slope · (free work in the ideal), plus
   * |slope| · (free work) if the slope is negative. The flow's value, so never above the true minimum.
   */
  minimize(slope: number): number {
    const { work } = this.instance;
    this.flow.restore();
    if (slope !== 0) this.free.forEach((v, i) => this.flow.tie(i, -slope * work[v]!));
    return this.flow.maximize();
  }

  /** Whether free node number `i` is in the ideal that the last `minimize` found: the smallest that attains it. */
  isIn(i: number): boolean {
    return this.flow.inSource(i);
  }

  private sideOf(v: number): number {
    return hasBit(this.inside, v) ? INSIDE : hasBit(this.outside, v) ? OUTSIDE : FREE;
  }

  /** @returns the next unused helper node. */
  private addNet(e: number, extra: number): number {
    const { pins, cost, ordered } = this.instance.nets;
    const begin = pins.start[e]!;
    const end = pins.start[e + 1]!;
    let sides = 0;
    for (let i = begin; i < end; i++) sides |= this.state[i - begin] = this.sideOf(pins.entries[i]!);
    if (sides === (INSIDE | OUTSIDE)) {
      this.constant += cost[e]!;
      return extra;
    }
    if (ordered[e] === 0) {
      const all = extra;
      const any = extra + 1;
      if (sides === INSIDE) this.flow.tie(all, cost[e]!);
      else if (sides === OUTSIDE) this.flow.tie(any, -cost[e]!);
      else this.flow.arc(any, all, cost[e]!, 0);
      for (let i = begin; i < end; i++) {
        if (this.state[i - begin] !== FREE) continue;
        const v = this.local[pins.entries[i]!]!;
        this.flow.arc(all, v, UNLIMITED, 0);
        this.flow.arc(v, any, UNLIMITED, 0);
      }
      return extra + 2;
    }
    if (this.state[0] === OUTSIDE) return extra;
    const producer = this.local[pins.entries[begin]!]!;
    if (sides === OUTSIDE) {
      this.flow.tie(producer, -cost[e]!);
      return extra;
    }
    const payer = end - begin === 2 ? this.local[pins.entries[begin + 1]!]! : extra;
    if (this.state[0] === INSIDE) this.flow.tie(payer, cost[e]!);
    else this.flow.arc(producer, payer, cost[e]!, 0);
    if (payer !== extra) return extra;
    for (let i = begin + 1; i < end; i++)
      if (this.state[i - begin] === FREE) this.flow.arc(extra, this.local[pins.entries[i]!]!, UNLIMITED, 0);
    return extra + 1;
  }
}
