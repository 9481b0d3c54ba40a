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

/** The problem that the workload states, each device with its stages in a loop. @throws ARTEFACT_MISMATCH with the culprit. */
export function problemOf(
  workload: Workload,
  devices: number,
  model: CommunicationModel,
  perDevice = 1,
): PartitionProblem {
  const read = isPlacement(workload) ? readDevicePlacement : readPipeDream;
  const problem: PartitionProblem = { ...read(workload.text, devices, workload.name), model };
  const once = problem.stages.map((stage, device) => ({ ...stage, device }));
  return { ...problem, stages: Array.from({ length: perDevice }, () => once).flat() };
}

/** The load of an assignment of blocks, counted once more from the text. */
export function recheck(workload: Workload, problem: PartitionProblem, stageOf: readonly number[]): Recheck {
  const ofNodes: number[] = [];
  for (const { index, nodes } of problem.graph.blocks) for (const node of nodes) ofNodes[node] = stageOf[index]!;
  const count = isPlacement(workload) ? recheckPlacement : recheckProfile;
  const { stages, model } = problem;
  const byStage = count(workload.text, stages.length, model === "relay", ofNodes);
  const device = (stage: number): number => stages[stage]!.device ?? stage;
  if (new Set(Array.from(stages.keys(), device)).size === stages.length) return byStage;
  const { maxLoad } = count(workload.text, stages.length, false, ofNodes.map(device));
  return { maxLoad, broken: byStage.broken };
}
