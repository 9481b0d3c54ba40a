/** @file Takes long turns and tells how it is scheduled then. The argument says how it is scheduled before. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { connectParent } from "../../../runtime/env/parent.js";

/** Place of the policy in what follows the name in /proc/.../stat. */
const POLICY_AT = 38;

const parent = connectParent();
const { nice, isIdle, tellsTurn } = parent.argument as {
  readonly nice: number;
  readonly isIdle: boolean;
  readonly tellsTurn: boolean;
};
setPriority(nice);
if (isIdle) execFileSync("chrt", ["--idle", "--pid", "0", String(process.pid)]);
parent.takeLongTurns();
const [, afterName] = readFileSync("/proc/self/stat", "utf8").split(") ");
const [, turnNs] = tellsTurn ? /se\.slice *: *(\d+)/.exec(readFileSync("/proc/self/sched", "utf8"))! : [];
parent.send({ policy: Number(afterName!.split(" ")[POLICY_AT]), nice: getPriority(), turnNs });
parent.leave();
