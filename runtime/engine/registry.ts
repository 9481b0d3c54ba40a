/** @file Which engine drives which kind of device. */
import type { DeviceSpec } from "../../compiler/profile/profile.js";
import type { Engine } from "./engine.js";
import { createOrtEngine } from "./ort/ort-engine.js";

/** How far engines may rewrite graphs, for fingerprints: not at all, so that bits do not depend on where a graph is cut. */
export const OPTIMISATION = "off";

/** A fresh engine for one device. @throws PipewrightError when the kind's library is missing, with what to do. */
export function engineFor({ kind, threads = 1 }: Pick<DeviceSpec, "kind" | "threads">): Engine {
  return createOrtEngine({ kind, threads });
}
