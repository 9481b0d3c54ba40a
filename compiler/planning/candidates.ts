/** @file What a plan may look like: schedules, stages per device, placements and orders of devices that are worth a try. */
import type { ClusterSpec } from "../cluster.js";
import { linkFrom } from "../plan/stage-costs.js";
import type { Candidate, PipelineOptions, Recompute } from "./candidate.js";

/** Schedules by stages per device, simple ones first: ties go to them. The names decide the placement: in a line, looped, in a V. */
const ONE_STAGE = ["1f1b", "eager-1f1b", "zb-h1", "zb-h2", "search", "search-2x"] as const;
const TWO_STAGES = [
  "interleaved-1f1b",
  "interleaved-zb",
  "1f1b-v",
  "zb-v",
  "v-half",
  "v-min",
  "wave",
  "search",
  "search-2x",
] as const;
const MORE_STAGES = ["interleaved-1f1b", "interleaved-zb", "wave"] as const;
/** Stages per device that are tried, if there are several times as many blocks. */
const STAGES_PER_DEVICE = [1, 2, 3, 4] as const;
const BLOCKS_PER_STAGE = 2;
/** Up to this many devices every order is a candidate; beyond it, swaps are. */
const FEW_DEVICES = 4;

/** Stages per device with the schedules that run them, for so many devices and blocks. */
export function shapes(
  devices: number,
  blocks: number,
  { stagesPerDevice: wanted }: PipelineOptions,
): readonly Pick<Candidate, "schedule" | "stagesPerDevice">[] {
  if (devices === 1) return [{ schedule: "1f1b", ...(wanted === undefined ? {} : { stagesPerDevice: wanted }) }];
  const counts = wanted === undefined ? STAGES_PER_DEVICE : [wanted];
  return counts.flatMap((stagesPerDevice) => {
    if (wanted === undefined && stagesPerDevice > 1 && blocks < BLOCKS_PER_STAGE * stagesPerDevice * devices) return [];
    const names = stagesPerDevice === 1 ? ONE_STAGE : stagesPerDevice === 2 ? TWO_STAGES : MORE_STAGES;
    return names.map((schedule) => ({ schedule, stagesPerDevice }));
  });
}

/**
 * What may run again: what is asked for, else nothing and, where memory is limited, as much as that asks for, which may
 * be all of it.
 */
export function recomputations(
  { devices }: ClusterSpec,
  { recompute }: Pick<PipelineOptions, "recompute">,
): readonly [Recompute, ...Recompute[]] {
  if (recompute !== undefined) return [recompute];
  return devices.some(({ memoryBytes }) => memoryBytes !== undefined) ? ["none", "auto"] : ["none"];
}

/** The order that is given; places in the cluster. */
export function givenOrder({ devices }: ClusterSpec): readonly number[] {
  return devices.map((_, index) => index);
}

/**
 * Orders of the devices that differ: all of them for few devices, else the given one and all that swap two. Orders in
 * which equal devices with equal links change places are one order.
 */
export function deviceOrders(cluster: ClusterSpec, from = givenOrder(cluster)): readonly (readonly number[])[] {
  const orders = new Map<string, readonly number[]>();
  const add = (order: readonly number[]): void => {
    const key = signature(cluster, order);
    if (!orders.has(key)) orders.set(key, order);
  };
  add(from);
  if (from.length <= FEW_DEVICES) permutations(from).forEach(add);
  else
    for (let a = 0; a < from.length; a++)
      for (let b = a + 1; b < from.length; b++) add(from.map((own, i) => from[i === a ? b : i === b ? a : i] ?? own));
  return [...orders.values()];
}

/** Whether `deviceOrders` leaves no order out. */
export function areAllOrders(cluster: ClusterSpec): boolean {
  return cluster.devices.length <= FEW_DEVICES || deviceOrders(cluster).length === 1;
}

/** What an order means for a plan: kinds, speeds and memory in turn, and every link. */
function signature(cluster: ClusterSpec, order: readonly number[]): string {
  const own = order.map((device) => {
    const { kind, flopsPerMs, memoryBytes = "", threads = 1 } = cluster.devices[device]!;
    return `${kind} ${flopsPerMs} ${memoryBytes} ${threads}`;
  });
  if (!cluster.links?.length) return own.join();
  const links = order.flatMap((a) =>
    order.map((b) => {
      const { bytesPerMs, latencyMs } = linkFrom(cluster, a, b);
      return a === b ? "" : `${bytesPerMs} ${latencyMs}`;
    }),
  );
  return [...own, ...links].join();
}

function permutations(items: readonly number[]): readonly (readonly number[])[] {
  if (items.length <= 1) return [items];
  return items.flatMap((first, at) => permutations(items.toSpliced(at, 1)).map((rest) => [first, ...rest]));
}
