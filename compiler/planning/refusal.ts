/** @file What to say when no plan of a request fits into the memory of its devices: the smallest limit that would do. */
import type { ClusterSpec } from "../cluster.js";
import { PipewrightError } from "../errors.js";
import type { LeastMemory } from "./least-memory.js";
import { memoryShares } from "./memory-candidate.js";
import type { PipelineOptions } from "./candidate.js";

/** Limits that differ are scaled alike. Requires: some plan was found, and it does not fit. */
export function memoryRefusal(
  cluster: ClusterSpec,
  least: LeastMemory,
  { recompute, schedule }: PipelineOptions,
): PipewrightError {
  const limits = cluster.devices.flatMap(({ memoryBytes }) => memoryBytes ?? []);
  const shares = memoryShares({ cluster }).filter((share) => share < Infinity);
  const scaled = (bytes: number): readonly number[] => shares.map((share) => Math.ceil(bytes * share * (1 - 1e-12)));
  const [enough, bound] = [scaled(least.foundBytes), scaled(least.boundBytes)];
  const isProven = least.boundBytes >= least.foundBytes * (1 - 1e-12);
  const isUniform = shares.every((share) => share === 1);
  const text = (bytes: readonly number[]): string => (isUniform ? `${bytes[0]}` : bytes.join(", "));
  const memoryBytes = Math.min(...limits);
  const range = isProven
    ? `${isUniform ? "the smallest limit" : "the smallest limits in these proportions"} that any plan keeps`
    : `the smallest ${isUniform ? "lies" : "in these proportions lie"} between ${text(bound)} and that`;
  const isForbidden = recompute === "none" || (recompute === undefined && schedule !== "auto");
  return new PipewrightError(
    "PLAN_INFEASIBLE",
    `partition: ${isProven ? "no plan fits" : "no plan was found that fits"} into memory; got a limit of ` +
      `${text(limits)} bytes on ${isUniform ? "a device" : "the devices"}, expected ${text(enough)} or more: ${range}. ` +
      `Give more memory, more devices or fewer microbatches in flight${isForbidden ? ", or allow --recompute auto" : ""}.`,
    {
      memoryBytes,
      smallestMemoryBytes: Math.min(...enough),
      boundMemoryBytes: Math.min(...bound),
      limits: enough,
      proven: isProven,
    },
  );
}
