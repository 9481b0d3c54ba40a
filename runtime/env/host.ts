/** @file What this machine is: facts for reports, never for decisions about results. */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";

/** Facts about the machine and the process. */
export interface HostFacts {
  readonly node: string;
  readonly platform: string;
  readonly architecture: string;
  readonly cpu: string;
  /** Cores that this process may use. */
  readonly cores: number;
  readonly memoryBytes: number;
}

export function hostFacts(): HostFacts {
  return {
    node: process.versions.node,
    platform: process.platform,
    architecture: process.arch,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
  };
}

/** Instruction sets by which libraries of linear algebra choose their kernels. */
const KERNEL_FEATURES = /^(sse4|avx|fma|f16c|amx|asimd|sve|sme|bf16|i8mm)/;

/** What of the processor can change the bits of a result. */
export function hostNumerics(): { readonly cpu: string; readonly features: string } {
  return { cpu: `${process.arch} ${cpus()[0]?.model.trim() ?? "unknown"}`, features: kernelFeatures() };
}

/** Linux tells; elsewhere the processor's model stands for what it can do. */
function kernelFeatures(): string {
  let text: string;
  try {
    text = readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    return "not known";
  }
  const words = /^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1]?.split(/\s+/) ?? [];
  return words
    .filter((word) => KERNEL_FEATURES.test(word))
    .sort()
    .join(" ");
}
