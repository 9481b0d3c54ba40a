/** @file Which engine drives which kind of device. */
import type { DeviceSpec } from "../../compiler/profile/profile.js";
import type { Engine } from "./engine.js";
import { createOrtEngine } from "./ort/ort-engine.js";

/** A fresh engine for one device. @throws PipewrightError when the kind's library is missing, with what to do. */
export function engineFor({ kind, threads = 1 }: Pick<DeviceSpec, "kind" | "threads">): Engine {
  return createOrtEngine({ kind, threads });
}
