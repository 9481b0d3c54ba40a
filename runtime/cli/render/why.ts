/** @file Why a plan is as fast as it is, in four lines. */
import type { Why } from "../../../compiler/planning/why.js";
import { formatBytes, formatMs } from "../../report/format.js";
import type { Fact } from "./table.js";
import { renderFacts } from "./table.js";

/** Cut tensors that are named. */
const SHOWN = 2;

/** The bottleneck, its largest block, the largest cuts, and what other hardware would bring. */
export function whyText({ bottleneck, block, cuts, stepMs }: Why, width: number): string {
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
  const changes = others.flatMap(([what, ms]) => (ms === undefined ? [] : [`${what} ${formatMs(ms)}`]));
  const times = `${formatMs(computeMs)} compute, ${formatMs(communicationMs)} transfers`;
  const facts: readonly Fact[] = [
    ["slowest", `${device} (stage ${stages.join(", ")}): ${times}`],
    ["largest", `${block.name} takes ${formatMs(block.ms)} of it, which no cut divides`],
    ...(cuts.length > 0 ? [["cut", `${formatBytes(bytes)} per microbatch: ${largest.join("; ")}`] as const] : []),
    ["step with", changes.join(", ")],
  ];
  return renderFacts(facts, width);
}
