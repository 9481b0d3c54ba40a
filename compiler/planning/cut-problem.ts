/** @file A candidate as a partition problem: stages on devices, microbatches in flight, memory, speeds and links. */
import type { ClusterSpec } from "../cluster.js";
import type { CommunicationModel, PartitionProblem, StageResources } from "../partition/problem.js";
import { linkFrom } from "../plan/stage-costs.js";
import type { LinkSpec } from "../profile/profile.js";
import type { Schedule } from "../schedule/action.js";
import { stagesPerReplica } from "../schedule/action.js";
import { inFlight } from "../schedule/in-flight.js";
import type { Recompute } from "./candidate.js";
import type { PlanSubject } from "./subject.js";
import { deviceSpeeds } from "./subject.js";

/**
 * Requires: the cluster's devices in the order of the pipeline.
 * Ensures: the stages of the schedule, each with the device that holds it. Of several copies of the model those of the
 * first, which must suit the devices of all: as slow, as full and as small as the worst.
 */
export function cutProblem(
  subject: PlanSubject,
  cluster: ClusterSpec,
  schedule: Schedule,
  { model, recompute }: { readonly model: CommunicationModel; readonly recompute: Recompute },
): PartitionProblem {
  const flights = inFlight(schedule);
  const speeds = deviceSpeeds(cluster, subject.profiles);
  const parts = stagesPerReplica(schedule);
  const { replicas = 1 } = schedule;
  const placement = schedule.placement.slice(0, parts);
  const stages = placement.map((device, stage): StageResources => {
    const copies = Array.from({ length: replicas }, (_, copy) => stage + copy * parts);
    const holders = copies.map((own) => schedule.placement[own]!);
    const memoryBytes =
      Math.min(...holders.map((holder) => cluster.devices[holder]!.memoryBytes ?? Infinity)) / replicas;
    const link = cluster.links && linkOfStage(cluster, placement, stage);
    return {
      speed: Math.min(...holders.map((holder) => speeds[holder]!)),
      inFlight: Math.max(...copies.map((own) => flights[own]!)),
      device,
      ...(memoryBytes === Infinity ? {} : { memoryBytes: Math.floor(memoryBytes) }),
      ...(link && { link }),
    };
  });
  return {
    graph: subject.blocks.graph,
    model,
    stages,
    link: cluster.link,
    steering: subject.steering,
    ...(recompute === "none" ? {} : { recompute }),
  };
}

/**
 * The link that a stage is counted to have: that to its slower neighbour. A tensor and its gradient cross a pair of
 * devices once each way, so the mean of the two ways is the link of the pair.
 */
function linkOfStage(cluster: ClusterSpec, placement: readonly number[], stage: number): LinkSpec | undefined {
  const own = placement[stage]!;
  const pairs = [stage - 1, stage + 1].flatMap((neighbour) => {
    const other = placement[neighbour];
    if (other === undefined || other === own) return [];
    const [there, back] = [linkFrom(cluster, own, other), linkFrom(cluster, other, own)];
    return [
      {
        latencyMs: (there.latencyMs + back.latencyMs) / 2,
        bytesPerMs: 2 / (1 / there.bytesPerMs + 1 / back.bytesPerMs),
      },
    ];
  });
  if (pairs.length === 0) return undefined;
  return {
    latencyMs: Math.max(...pairs.map(({ latencyMs }) => latencyMs)),
    bytesPerMs: Math.min(...pairs.map(({ bytesPerMs }) => bytesPerMs)),
  };
}
