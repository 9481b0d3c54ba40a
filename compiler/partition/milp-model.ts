/** @file The partition problem as a mixed-integer linear programme. */
import { totalSpeed } from "./bound.js";
import type { Instance } from "./instance.js";
import { reducedEdges } from "./closure.js";
import { infeasibility } from "./milp.js";
import type { MilpModel } from "./milp.js";
import type { Windows } from "./windows.js";
import { stashesSaved } from "./recompute-choice.js";

/** A programme and how to read its solutions. */
export interface PartitionMilp {
  readonly model: MilpModel;
  /** Milliseconds per unit of the objective. */
  readonly scaleMs: number;
  decode(values: Float64Array): Int32Array;
}

/** `cutoffMs`: only partitions up to this bottleneck matter; positive. `start`: one of them, for the solver to begin with. */
export interface MilpOptions {
  readonly windows: Windows;
  readonly cutoffMs: number;
  readonly boundMs: number;
  readonly start?: Int32Array;
  /** Stages whose load is a constant do not count. */
  readonly onlyFreeStages?: boolean;
}

/** A start that breaks a row by more than this is left out. */
const START_TOLERANCE = 1e-7;

/** A column, or a constant when `column` is −1. */
interface Term {
  readonly column: number;
  readonly constant: number;
}

const ZERO: Term = { column: -1, constant: 0 };
const ONE: Term = { column: -1, constant: 1 };

/** Collects columns and rows; rows fold constants and repeated columns. */
class ModelWriter {
  readonly lower: number[] = [];
  readonly upper: number[] = [];
  readonly integer: number[] = [];
  readonly start: number[] = [];
  private readonly rowStart: number[] = [0];
  private readonly entries: number[] = [];
  private readonly values: number[] = [];
  private readonly rowUpper: number[] = [];
  private touched: number[] = [];
  private readonly sums: number[] = [];
  private constant = 0;

  column(lower: number, upper: number, integer: boolean, start: number): Term {
    this.lower.push(lower);
    this.upper.push(upper);
    this.integer.push(integer ? 1 : 0);
    this.start.push(start);
    this.sums.push(0);
    return { column: this.lower.length - 1, constant: 0 };
  }

  add(term: Term, factor: number): void {
    this.constant += term.constant * factor;
    if (term.column < 0 || factor === 0) return;
    if (this.sums[term.column] === 0) this.touched.push(term.column);
    this.sums[term.column]! += factor;
  }

  /** Whether the row begun has no columns. */
  isConstant(): boolean {
    return this.touched.length === 0;
  }

  /** Gives up the row begun. */
  drop(): void {
    for (const c of this.touched) this.sums[c] = 0;
    this.touched = [];
    this.constant = 0;
  }

  /** Ends the row: sum ≤ upper. Rows without columns are dropped. */
  atMost(upper: number): void {
    let kept = 0;
    for (const c of this.touched) {
      const factor = this.sums[c]!;
      this.sums[c] = 0;
      if (Math.abs(factor) < 1e-13) continue;
      this.entries.push(c);
      this.values.push(factor);
      kept++;
    }
    this.touched = [];
    if (kept > 0) {
      this.rowStart.push(this.entries.length);
      this.rowUpper.push(upper - this.constant);
    }
    this.constant = 0;
  }

  model(hasStart: boolean): MilpModel {
    const objective = new Float64Array(this.lower.length);
    objective[0] = 1;
    return {
      objective,
      lower: Float64Array.from(this.lower),
      upper: Float64Array.from(this.upper),
      integer: Uint8Array.from(this.integer),
      matrix: { start: Int32Array.from(this.rowStart), entries: Int32Array.from(this.entries) },
      values: Float64Array.from(this.values),
      rowLower: new Float64Array(this.rowUpper.length).fill(-Infinity),
      rowUpper: Float64Array.from(this.rowUpper),
      ...(hasStart ? { start: Float64Array.from(this.start) } : {}),
    };
  }
}

/**
 * Columns: T, the bottleneck; z[v, s], node v is on stage s or before; y[e, ·], net e is paid (at a device in the
 * direct model, at a boundary in the relay model); r[e, d], device d receives net e; a[v, s], node v runs again on stage
 * s. With x[v, s] = z[v, s] − z[v, s−1], and x[v, d] its sum over the stages of device d:
 *
 *   z[v, s] ≤ z[v, s+1];  z[v, s] ≤ z[u, s] for every edge u → v of the reduced order
 *   direct: y[e, d] ≥ ±(x[hub, d] − x[p, d]);  relay: y[e, b] ≥ z[hub, b−1] − z[p, b−1]
 *   Σ work · x / speed + Σ cost · y ≤ T for each device;  memory rows likewise;  every stage holds a node
 *
 * Source: the integer programme of Tarnawski et al. 2020, with cumulative columns in place of its contiguity rows.
 * Nodes outside their windows are constants, so a programme over a few free nodes is small. The cutoff on T and the
 * windows decide whether it can be solved at all. Times are divided by the cutoff. O(nets · stages + edges · stages).
 */
export function partitionMilp(instance: Instance, options: MilpOptions): PartitionMilp {
  const { stages, nets, relay, size } = instance;
  const { windows, cutoffMs, start } = options;
  const k = stages.count;
  const scale = 1 / cutoffMs;
  const writer = new ModelWriter();
  const bottleneck = writer.column(options.boundMs * scale, 1, false, 1);

  const stride = k + 1;
  const cumulative: Term[] = new Array<Term>(size * stride);
  for (let v = 0; v < size; v++) {
    cumulative[v * stride] = ZERO;
    for (let s = 0; s < k; s++) {
      let term = ZERO;
      if (s >= windows.last[v]!) term = ONE;
      else if (s >= windows.first[v]!) term = writer.column(0, 1, true, (start?.[v] ?? k) <= s ? 1 : 0);
      cumulative[v * stride + s + 1] = term;
    }
  }
  const upTo = (v: number, s: number): Term => cumulative[v * stride + s + 1]!;
  const addOn = (v: number, s: number, factor: number): void => {
    writer.add(upTo(v, s), factor);
    writer.add(upTo(v, s - 1), -factor);
  };
  const after = size <= 3000 ? reducedEdges(instance) : instance.after;

  for (let v = 0; v < size; v++) {
    for (let s = windows.first[v]!; s + 1 < windows.last[v]!; s++) {
      writer.add(upTo(v, s), 1);
      writer.add(upTo(v, s + 1), -1);
      writer.atMost(0);
    }
    for (let q = after.start[v]!; q < after.start[v + 1]!; q++) {
      const u = after.entries[q]!;
      for (let s = windows.first[u]!; s < windows.last[v]!; s++) {
        writer.add(upTo(u, s), 1);
        writer.add(upTo(v, s), -1);
        writer.atMost(0);
      }
    }
  }

  /** `at`: a boundary in the relay model, a device in the direct one. */
  const paid: { at: number; net: number; term: Term }[] = [];
  const received: { at: number; net: number; term: Term }[] = [];
  const held = devicesOf(instance);
  const addOnDevice = (v: number, d: number, factor: number): void => {
    for (const s of held[d]!.stages) addOn(v, s, factor);
  };
  for (let e = 0; e < nets.count; e++) {
    const pins = nets.pins.entries.subarray(nets.pins.start[e]!, nets.pins.start[e + 1]!);
    const costs = nets.messages[e]! > 0 || nets.bytes[e]! > 0;
    const arrives = nets.forwardBytes[e]! > 0;
    if (!costs && !arrives) continue;
    let lowest = k;
    let highest = 0;
    let earliest = k;
    let latest = 0;
    for (const p of pins) {
      lowest = Math.min(lowest, windows.first[p]!);
      highest = Math.max(highest, windows.last[p]!);
      earliest = Math.min(earliest, windows.last[p]!);
      latest = Math.max(latest, windows.first[p]!);
    }
    if (lowest === highest) continue;
    const hub = pins[0]!;
    const started = start === undefined ? [] : Array.from(pins, (p) => start[p]!);
    const startLow = Math.min(...started);
    const startHigh = Math.max(...started);
    if (relay) {
      for (let b = lowest + 1; b <= highest; b++) {
        if (stages.device[b - 1] === stages.device[b]) continue;
        if (b > earliest && b <= latest) {
          paid.push({ at: b, net: e, term: ONE });
          continue;
        }
        const y = writer.column(0, 1, false, startLow < b && b <= startHigh ? 1 : 0);
        paid.push({ at: b, net: e, term: y });
        for (const p of pins) {
          if (p === hub) continue;
          for (const sign of nets.ordered[e] === 1 ? [1] : [1, -1]) {
            writer.add(upTo(hub, b - 1), sign);
            writer.add(upTo(p, b - 1), -sign);
            writer.add(y, -1);
            writer.atMost(0);
          }
        }
      }
      continue;
    }
    const startDevices = new Set(started.map((s) => stages.device[s]!));
    const inReach = new Set(stages.device.subarray(lowest, highest + 1));
    if (inReach.size < 2) continue;
    for (const d of inReach) {
      const own = held[d]!.stages;
      const holdsOne = pins.some((p) => windows.first[p] === windows.last[p] && own.includes(windows.first[p]!));
      if (holdsOne && pins.some((p) => own.every((s) => windows.first[p]! > s || windows.last[p]! < s))) {
        paid.push({ at: d, net: e, term: ONE });
        continue;
      }
      const y = writer.column(0, 1, false, startDevices.size > 1 && startDevices.has(d) ? 1 : 0);
      paid.push({ at: d, net: e, term: y });
      for (const p of pins) {
        if (p === hub) continue;
        for (const sign of [1, -1]) {
          addOnDevice(hub, d, sign);
          addOnDevice(p, d, -sign);
          writer.add(y, -1);
          writer.atMost(0);
        }
      }
      if (!arrives || !held[d]!.isLimited) continue;
      const isReceived = startDevices.has(d) && stages.device[start?.[hub] ?? 0] !== d;
      const r = writer.column(0, 1, false, isReceived ? 1 : 0);
      received.push({ at: d, net: e, term: r });
      for (const p of pins) {
        if (p === hub) continue;
        addOnDevice(p, d, 1);
        addOnDevice(hub, d, -1);
        writer.add(r, -1);
        writer.atMost(0);
      }
    }
  }
  const paidAt = bucketed(paid, k + 1);
  const receivedAt = bucketed(received, k + 1);
  const members: number[][] = Array.from({ length: k }, () => []);
  for (let v = 0; v < size; v++) for (let s = windows.first[v]!; s <= windows.last[v]!; s++) members[s]!.push(v);
  const again = instance.againMs ? againColumns(instance, writer, members, addOn) : [];

  const speeds = totalSpeed(stages);
  held.forEach(({ stages: own, memory, isLimited }, d) => {
    for (const s of own) {
      for (const v of members[s]!) addOn(v, s, (instance.work[v]! * scale) / stages.speed[s]!);
      for (const { node, term } of again[s] ?? [])
        writer.add(term, (instance.againMs![node]! * scale) / stages.speed[s]!);
      for (const b of relay ? [s, s + 1] : [])
        for (const { net, term } of paidAt[b]!) {
          const ms = nets.messages[net]! * stages.boundaryLatency[b]! + nets.bytes[net]! * stages.boundaryMsPerByte[b]!;
          writer.add(term, ms * scale);
        }
    }
    for (const { net, term } of relay ? [] : paidAt[d]!) {
      const ms = nets.messages[net]! * stages.latency[own[0]!]! + nets.bytes[net]! * stages.msPerByte[own[0]!]!;
      writer.add(term, ms * scale);
    }
    if (options.onlyFreeStages === true && writer.isConstant()) writer.drop();
    else {
      writer.add(bottleneck, -1);
      writer.atMost(0);
    }
    if (instance.memoryMatters && memory < Infinity) {
      const share = 1 / Math.max(1, memory);
      for (const s of own) {
        const flights = stages.inFlight[s]! * share;
        const saved = stashesSaved(stages.inFlight[s]!) * share;
        for (const v of members[s]!)
          addOn(v, s, instance.residentBytes[v]! * share + flights * instance.stashBytes[v]!);
        for (const { node, term } of again[s] ?? []) writer.add(term, -saved * instance.stashBytes[node]!);
        for (const { net, term } of relay ? paidAt[s]! : []) writer.add(term, nets.forwardBytes[net]! * flights);
      }
      const most = own.reduce((flights, s) => Math.max(flights, stages.inFlight[s]!), 0) * share;
      if (isLimited && !relay)
        for (const { net, term } of receivedAt[d]!) writer.add(term, nets.forwardBytes[net]! * most);
      writer.atMost(memory * share);
    }
  });
  for (let s = 0; s < k; s++) {
    const othersHold = (speeds - stages.speed[s]!) * cutoffMs;
    if (!stages.mayBeEmpty && (stages.shared || othersHold >= instance.totalWork * (1 - 1e-9))) {
      for (const v of members[s]!) addOn(v, s, -1);
      writer.atMost(-1);
    }
  }

  const decode = (values: Float64Array): Int32Array => {
    const stageOf = new Int32Array(size);
    for (let v = 0; v < size; v++) {
      let s = windows.first[v]!;
      while (s < windows.last[v]! && values[upTo(v, s).column]! < 0.5) s++;
      stageOf[v] = s;
    }
    return stageOf;
  };
  const model = writer.model(start !== undefined);
  const usable = model.start === undefined || infeasibility(model, model.start) <= START_TOLERANCE;
  return { model: usable ? model : writer.model(false), scaleMs: cutoffMs, decode };
}

/** A device, its stages and what they may hold together. */
interface HeldStages {
  readonly stages: readonly number[];
  readonly memory: number;
  /** What arrives takes memory that is limited. */
  readonly isLimited: boolean;
}

function devicesOf({ stages }: Instance): readonly HeldStages[] {
  return Array.from({ length: stages.devices }, (_, d) => {
    const own = [...stages.device.keys()].filter((s) => stages.device[s] === d);
    const memory = own.reduce((sum, s) => sum + stages.memory[s]!, 0);
    return { stages: own, memory, isLimited: memory < Infinity && own.some((s) => stages.inFlight[s]! > 0) };
  });
}

/** a[v, s] ≤ x[v, s]: the share of node v that runs again on stage s, where that saves memory. */
function againColumns(
  { stages, stashBytes, memoryMatters }: Instance,
  writer: ModelWriter,
  members: readonly (readonly number[])[],
  addOn: (v: number, s: number, factor: number) => void,
): readonly (readonly { readonly node: number; readonly term: Term }[])[] {
  return members.map((nodes, s) => {
    if (!memoryMatters || stashesSaved(stages.inFlight[s]!) === 0 || stages.memory[s] === Infinity) return [];
    const saving = nodes.filter((v) => stashBytes[v]! > 0);
    return saving.map((node) => {
      const term = writer.column(0, 1, false, 0);
      writer.add(term, 1);
      addOn(node, s, -1);
      writer.atMost(0);
      return { node, term };
    });
  });
}

function bucketed<T extends { readonly at: number }>(items: readonly T[], count: number): T[][] {
  const buckets: T[][] = Array.from({ length: count }, () => []);
  for (const item of items) buckets[item.at]!.push(item);
  return buckets;
}
