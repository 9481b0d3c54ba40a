/** @file Why a plan is as fast as it is, in four lines. */
import type { Move, Why } from "../../../compiler/planning/why.js";
import { formatBytes, formatMs, formatShare } from "../../report/format.js";
import type { Fact } from "./table.js";
import { renderFacts } from "./table.js";

/** Cut tensors that are named. */
const SHOWN = 2;

/** Smaller changes of an estimated step mean nothing. */
const NO_CHANGE = 0.005;

/** The bottleneck, its largest block, what a better balance fails on, the largest cuts, and what other hardware would bring. */
export function whyText({ bottleneck, block, move, cuts, stepMs }: Why, width: number): string {
  const { device, stages, computeMs, communicationMs } = bottleneck;
  const bytes = cuts.reduce((sum, cut) => sum + cut.bytes, 0);
  const largest = cuts
    .slice(0, SHOWN)
    .map((cut) => `${cut.block} ${formatBytes(cut.bytes)} (stage ${cut.fromStage} to ${cut.toStages.join(", ")})`);
  const others = [
    ["one more device", stepMs.oneMoreDevice],
    ["links twice as fast", stepMs.linksTwiceAsFast],
    ["memory without limit", stepMs.memoryWithoutLimit],
  ] as const;
  const changes = others.flatMap(([what, ms]) => (ms === undefined ? [] : [`${what} ${changeText(stepMs.now, ms)}`]));
  const times = `${formatMs(computeMs)} compute, ${formatMs(communicationMs)} transfers`;
  const facts: readonly Fact[] = [
    ["slowest", `${device} (stage ${stages.join(", ")}): ${times}`],
    ["largest", `${block.name} takes ${formatMs(block.ms)} of it, which no cut divides`],
    ...(move ? [["balance", moveText(move, computeMs + communicationMs)] as const] : []),
    ...(cuts.length > 0 ? [["cut", `${formatBytes(bytes)} per microbatch: ${largest.join("; ")}`] as const] : []),
    ...(changes.length > 0 ? [["step with", changes.join(", ")] as const] : []),
  ];
  return renderFacts(facts, width);
}

function moveText({ block, ms, toStage, bottleneckMs }: Move, nowMs: number): string {
  const change = bottleneckMs < nowMs ? "bring the largest load down" : "raise the largest load";
  return `moving ${block} (${formatMs(ms)}) to stage ${toStage} would ${change} to ${formatMs(bottleneckMs)}`;
}

function changeText(nowMs: number, ms: number): string {
  const change = ms / nowMs - 1;
  if (Math.abs(change) < NO_CHANGE) return "no shorter";
  return `${formatMs(ms)} (${change > 0 ? "+" : "−"}${formatShare(Math.abs(change))})`;
}
