/** @file Lists of devices: `4`, `4xcpu:2GiB,1xcuda`, `1xcpu,1xcpu*0.5`. */
import { PipewrightError } from "../../../compiler/errors.js";
import type { DeviceKind } from "../../../compiler/profile/profile.js";
import { oneOf, unreadable } from "./text.js";
import { parseBytes } from "./units.js";

/** A device as the user asks for it. How fast it is comes from the profile. */
export interface DeviceRequest {
  /** Kind and running number within the kind, "cpu0". */
  readonly name: string;
  readonly kind: DeviceKind;
  /** Undefined: no limit. */
  readonly memoryBytes?: number;
  /** Share of the speed of other devices of its kind. Undefined: 1. */
  readonly speed?: number;
}

const KINDS: readonly DeviceKind[] = ["cpu", "cuda", "webgpu"];
const MAX_DEVICES = 1024;

/** `N`, or a list of `KIND`, `NxKIND`, `NxKIND:MEMORY`, `NxKIND*SPEED:MEMORY`. A bare number means CPU workers. */
export function parseDevices(text: string): readonly DeviceRequest[] {
  const devices: DeviceRequest[] = [];
  const counts = new Map<DeviceKind, number>();
  for (const part of text.split(",").map((entry) => entry.trim())) {
    const match = /^(?:(\d+)(?:x|$))?([a-z]*)(?:\*(\d+(?:\.\d+)?))?(?::(.+))?$/i.exec(part);
    const count = Number(match?.[1] ?? 1);
    if (!match || part === "" || count < 1) throw unreadable(text, "devices, such as 4 or 4xcpu:2GiB,1xcuda");
    const kind = match[2] ? oneOf(match[2], KINDS) : "cpu";
    const memory = match[4] === undefined ? {} : { memoryBytes: parseBytes(match[4]) };
    const speed = match[3] === undefined ? {} : { speed: Number(match[3]) };
    if (speed.speed === 0) throw unreadable(text, "speeds above 0, such as 1xcpu,1xcpu*0.5");
    if (devices.length + count > MAX_DEVICES) {
      throw new PipewrightError("USAGE", `too many devices in "${text}"; expected at most ${MAX_DEVICES}.`);
    }
    for (let added = 0; added < count; added++) {
      const number = counts.get(kind) ?? 0;
      counts.set(kind, number + 1);
      devices.push({ name: `${kind}${number}`, kind, ...memory, ...speed });
    }
  }
  return devices;
}
