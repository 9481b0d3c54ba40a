/** @file A workload as text, and what is done with it: read, multiplied, checked. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { readDevicePlacement } from "../../compiler/partition/formats/device-placement.js";
import { readPipeDream } from "../../compiler/partition/formats/pipedream.js";
import type { CommunicationModel, PartitionProblem } from "../../compiler/partition/problem.js";
import { nasnetLarge } from "./nasnet.js";
import type { Recheck } from "./recheck.js";
import { recheckPlacement, recheckProfile } from "./recheck.js";
import type { CopyOptions } from "./serial-copies.js";
import { copyPlacement, copyProfile } from "./serial-copies.js";

/** The text of a file of either format. */
export interface Workload {
  readonly name: string;
  readonly text: string;
}

const isPlacement = ({ text }: Workload): boolean => text.trimStart().startsWith("{");

/** The file, or the wide graph that is made in code for "nasnet"; more than one copy of it if asked. */
export function loadWorkload(file: string, options: CopyOptions): Workload {
  const single = { name: basename(file), text: file === "nasnet" ? nasnetLarge() : readFileSync(file, "utf8") };
  if (options.copies === 1) return single;
  const text = isPlacement(single) ? copyPlacement(single.text, options) : copyProfile(single.text, options);
  return { name: `${single.name} x${options.copies}`, text };
}

/** The problem that the workload states. @throws ARTEFACT_MISMATCH with the culprit. */
export function problemOf(workload: Workload, stages: number, model: CommunicationModel): PartitionProblem {
  const read = isPlacement(workload) ? readDevicePlacement : readPipeDream;
  return { ...read(workload.text, stages, workload.name), model };
}

/** The load of an assignment of blocks, counted once more from the text. */
export function recheck(workload: Workload, problem: PartitionProblem, stageOf: readonly number[]): Recheck {
  const ofNodes: number[] = [];
  for (const { index, nodes } of problem.graph.blocks) for (const node of nodes) ofNodes[node] = stageOf[index]!;
  const count = isPlacement(workload) ? recheckPlacement : recheckProfile;
  return count(workload.text, problem.stages.length, problem.model === "relay", ofNodes);
}
