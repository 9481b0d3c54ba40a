/** @file What of this machine can change the bits of a result, besides the engines. */
import { readFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { loadLibrary } from "./native.js";

/** Each is a text that says something else where the bits may differ. */
export interface HostNumerics {
  readonly cpu: string;
  /** What the processor can compute with. */
  readonly features: string;
  /** V8 computes learning rates, the C library the engines' powers and logarithms. */
  readonly libraries: string;
}

/** Instruction sets by which libraries of linear algebra choose their kernels. */
const KERNEL_FEATURES = /^(sse4|avx|fma|f16c|amx|asimd|sve|sme|bf16|i8mm)/;

export function hostNumerics(): HostNumerics {
  return {
    cpu: `${process.arch} ${cpus()[0]?.model.trim() ?? "unknown"}`,
    features: kernelFeatures(),
    libraries: `V8 ${process.versions.v8}, ${mathLibrary()}`,
  };
}

/** glibc says its version; elsewhere the library comes with the system. */
function mathLibrary(): string {
  if (process.platform !== "linux") return `${process.platform} ${release()}`;
  try {
    return `glibc ${loadLibrary(null).func("gnu_get_libc_version", "str", [])() as string}`;
  } catch {
    return "no glibc";
  }
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
