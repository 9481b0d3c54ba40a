/** @file What this machine is: facts for reports, never for decisions about results. */
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
