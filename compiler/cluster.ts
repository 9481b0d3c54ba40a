/** @file What the devices have in common with each other: how they are described and what holds for this kind of machine. */
import type { DeviceSpec, DirectedLink, LinkSpec } from "./profile/profile.js";

/** Devices, and the links between them. */
export interface ClusterSpec {
  readonly devices: readonly DeviceSpec[];
  /** Between any two devices that `links` does not name. */
  readonly link: LinkSpec;
  readonly links?: readonly DirectedLink[];
}

/**
 * One core of a current server processor: 60 GFLOP/s sustained on float32 matrix products, 10 GB/s of memory traffic.
 * Used by the analytic profile only; real runs are measured.
 */
export const CPU_CORE: Omit<DeviceSpec, "name"> = { kind: "cpu", flopsPerMs: 60e6, memoryBytesPerMs: 10e6 };

/** Shared memory between processes: a tensor is handed over in place, so only the wake-up counts. */
export const SHARED_MEMORY_LINK: LinkSpec = { bytesPerMs: 10e6, latencyMs: 0.02 };

/** `count` cores of this machine. */
export function localCluster(count: number): ClusterSpec {
  const devices = Array.from({ length: count }, (_, index) => ({ ...CPU_CORE, name: `cpu${index}` }));
  return { devices, link: SHARED_MEMORY_LINK };
}

/** Threads that compute when all devices do: each wants a core. */
export function threadsOf(devices: readonly Pick<DeviceSpec, "kind" | "threads">[]): number {
  return devices.reduce((sum, { kind, threads = 1 }) => sum + (kind === "cpu" ? threads : 0), 0);
}

/** The cluster with its devices in another order: `order[i]` is the present place of device i. */
export function reordered(cluster: ClusterSpec, order: readonly number[]): ClusterSpec {
  const { devices, links, ...rest } = cluster;
  const place = new Map(order.map((old, now) => [old, now]));
  return {
    ...rest,
    devices: order.map((old) => devices[old]!),
    ...(links && { links: links.map((link) => ({ ...link, from: place.get(link.from)!, to: place.get(link.to)! })) }),
  };
}
