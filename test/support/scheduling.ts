/** @file How Linux schedules the first thread of a process. */
import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";

const SCHED_OTHER = 0;
export const SCHED_BATCH = 3;

/** Place of the policy in what follows the name in /proc/PID/stat. */
const POLICY_AT = 38;

const SLICE_NS = /se\.slice *: *(\d+)/;

const [major = 0, minor = 0] = release().split(".").map(Number);

/** True where programs can choose their slices (Linux 6.12 and later) and the kernel was built to tell them. */
export const tellsSlices =
  (major > 6 || (major === 6 && minor >= 12)) &&
  existsSync("/proc/self/sched") &&
  SLICE_NS.test(readFileSync("/proc/self/sched", "utf8"));

/** True on a Linux whose user has chosen no policy for this process, which its children would keep. */
export const hasUsualPolicy = process.platform === "linux" && policyOf(process.pid) === SCHED_OTHER;

/** By its number in Linux. */
export function policyOf(pid: number): number {
  const [, afterName] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  return Number(afterName!.split(" ")[POLICY_AT]);
}

/** Requires: `tellsSlices`. */
export function sliceNsOf(pid: number): number {
  return Number(SLICE_NS.exec(readFileSync(`/proc/${pid}/sched`, "utf8"))![1]);
}
