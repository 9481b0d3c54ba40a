/** @file Numbers as people read them: three significant digits and a unit. */
import type { Plan } from "../../compiler/plan/plan.js";

/** "0.412 ms", "23.4 ms", "1.86 s", "12 min 4 s". */
export function formatMs(ms: number): string {
  if (ms < 1000) return `${significant(ms)} ms`;
  if (ms < 60_000) return `${significant(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** "512 B", "1.5 KiB", "31.2 MiB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let power = 0;
  while (power < units.length - 1 && bytes >= 1000 * 1024 ** power) power++;
  return `${power === 0 ? bytes : significant(bytes / 1024 ** power)} ${units[power]}`;
}

/** "12", "18.4 k", "6.3 M". */
export function formatCount(count: number): string {
  const units = ["", " k", " M", " G", " T"];
  let power = 0;
  while (power < units.length - 1 && count >= 999.5 * 1000 ** power) power++;
  return power === 0 ? String(count) : significant(count / 1000 ** power) + units[power];
}

/** "12.5 %". */
export function formatShare(share: number): string {
  const percent = share * 100;
  return `${percent !== 0 && Math.abs(percent) < 0.05 ? percent.toPrecision(1) : percent.toFixed(1)} %`;
}

/** From here on a factor says more than a percentage. */
const LARGE_RATIO = 10;

/** "+4.9 %": how far `measured` is from `predicted`; "250 times" where it is far more. */
export function formatDifference(predicted: number, measured: number): string {
  const ratio = measured / predicted;
  if (ratio >= LARGE_RATIO) return `${significant(ratio)} times`;
  const percent = (ratio - 1) * 100;
  return `${percent < 0 ? "-" : "+"}${Math.abs(percent).toFixed(1)} %`;
}

/** Three significant digits, without an exponent for what people meet. */
export function significant(number: number): string {
  if (number === 0) return "0";
  const magnitude = Math.floor(Math.log10(Math.abs(Number(number.toPrecision(3)))));
  if (magnitude < -4) return number.toExponential(1);
  return number.toFixed(Math.min(6, Math.max(0, 2 - magnitude)));
}

/** Where costs come from: "analytic", or "measured", with how many devices computed at the same time. */
export function profileText({ source, concurrency = 1 }: Pick<Plan["profile"], "source" | "concurrency">): string {
  return source === "measured" ? `${source}, ${concurrency} at a time` : source;
}
