/** @file Quantities with units: bytes, times, rates, shares. */
import type { LinkSpec } from "../../../compiler/profile/profile.js";
import { unreadable } from "./text.js";

const QUANTITY = /^(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*([a-zµ%/]*)$/i;

const BYTES: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  "": 1e3,
  s: 1e3,
  min: 60e3,
  h: 3600e3,
};

/** "2GiB", "512 MB", "4096" in bytes. */
export function parseBytes(text: string): number {
  const bytes = quantity(text, BYTES);
  if (bytes === undefined) throw unreadable(text, "a number of bytes, such as 2GiB or 512MB");
  return Math.round(bytes);
}

/** "20us", "1.5ms", "30s" in milliseconds; a bare number counts seconds. */
export function parseDurationMs(text: string): number {
  const ms = quantity(text, MILLISECONDS);
  if (ms === undefined) throw unreadable(text, "a time, such as 20us, 1.5ms or 30s");
  return ms;
}

/** "10GB/s,20us". The latency may be left out and is then 0. */
export function parseLink(text: string): LinkSpec {
  const [rate = "", latency, ...rest] = text.split(",").map((part) => part.trim());
  const bytesPerSecond = rate.endsWith("/s") ? quantity(rate.slice(0, -2), BYTES) : undefined;
  if (bytesPerSecond === undefined || bytesPerSecond === 0 || rest.length > 0)
    throw unreadable(text, "a rate and a latency, such as 10GB/s,20us");
  return { bytesPerMs: bytesPerSecond / 1000, latencyMs: latency === undefined ? 0 : parseDurationMs(latency) };
}

/** "1%" or "0.01": a share of 0 to 1. */
export function parseShare(text: string): number {
  const share = quantity(text, { "%": 0.01, "": 1 });
  if (share === undefined || share > 1) throw unreadable(text, "a share, such as 1% or 0.01");
  return share;
}

function quantity(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = QUANTITY.exec(text.trim());
  const unit = match && units[match[2]!.toLowerCase()];
  return match && unit !== undefined && unit !== null ? Number(match[1]) * unit : undefined;
}
