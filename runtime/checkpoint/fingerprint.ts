/** @file What besides plan and data decides the bits of a result, and how two such settings differ. */
import type { Plan } from "../../compiler/plan/plan.js";
import { OPTIMISATION } from "../engine/registry.js";
import type { HostNumerics } from "../env/numerics.js";
import { hostNumerics } from "../env/numerics.js";

/** Two runs with equal fingerprints have equal bits. */
export interface Fingerprint extends HostNumerics {
  /** Names and versions of the engines' libraries. */
  readonly engines: string;
  /** Kinds of devices, with the threads of each. */
  readonly devices: string;
  /** How far engines may rewrite graphs. */
  readonly optimisation: string;
}

/** The fingerprint of a plan on this machine. `engines` are the versions that its workers report. */
export function fingerprintOf({ devices }: Plan, engines: readonly string[]): Fingerprint {
  const distinct = (texts: readonly string[]): string => [...new Set(texts)].sort().join(", ");
  return {
    ...hostNumerics(),
    engines: distinct(engines),
    devices: distinct(
      devices.map(({ kind, threads = 1 }) => `${kind} with ${threads} thread${threads > 1 ? "s" : ""}`),
    ),
    optimisation: OPTIMISATION,
  };
}

/** What differs, each as a phrase such as "engines was ort 1.29, is ort 1.30". Empty: equal bits. */
export function fingerprintChanges(before: Fingerprint, now: Fingerprint): readonly string[] {
  const keys = ["cpu", "features", "libraries", "engines", "devices", "optimisation"] as const;
  return keys.filter((key) => before[key] !== now[key]).map((key) => `${key} was ${before[key]}, is ${now[key]}`);
}
