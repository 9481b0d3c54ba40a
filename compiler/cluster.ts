/** @file What the devices have in common with each other: how they are described and what holds for this kind of machine. */
import type { DeviceSpec, LinkSpec } from "./profile/profile.js";

/** Devices in the order of the pipeline and the link between any two of them. */
export interface ClusterSpec {
  readonly devices: readonly DeviceSpec[];
  readonly link: LinkSpec;
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
