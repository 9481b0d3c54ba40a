/** @file A draft: a candidate cut into stages and timed by the simulator. All that a plan needs to be judged, not to run. */
import type { ClusterSpec } from "../cluster.js";
import type { Recomputed } from "../autodiff/recompute.js";
import { recompute } from "../autodiff/recompute.js";
import type { NodeId } from "../ir/graph.js";
import type { Partition, PartitionProblem } from "../partition/problem.js";
import { linkFrom, stageCosts } from "../plan/stage-costs.js";
import type { NodeCost } from "../profile/profile.js";
import type { Schedule } from "../schedule/action.js";
import { splitStages, stagesPerReplica } from "../schedule/action.js";
import type { ScheduleCosts } from "../schedule/costs.js";
import { joinCosts } from "../schedule/costs.js";
import { reorder } from "../schedule/reorder.js";
import type { Timeline } from "../schedule/simulate.js";
import { simulate } from "../schedule/simulate.js";
import type { PlanSubject } from "./subject.js";
import { costsOn, overheadsOn } from "./subject.js";

/** How long an order is searched: about a second for 8 devices and 32 microbatches. */
const SEARCH = { evaluations: 20_000 };
/** A change must shorten the step by this share to be worth making; steps that differ by less are as good. */
export const SHORTER = 1e-4;

export interface Draft {
  readonly cut: Partition;
  readonly schedule: Schedule;
  /** In the first copy of the model. */
  readonly stageOf: ReadonlyMap<NodeId, number>;
  /** The training graph, with copies of what runs again. */
  readonly recomputed: Recomputed;
  /** By copy of the model: of every forward node where it runs, with what runs again in its backward pass. */
  readonly costs: readonly ReadonlyMap<NodeId, NodeCost>[];
  /** Of the stages, where those that `isSplit` names run I and W as programs of their own. */
  readonly costsWith: (isSplit: readonly boolean[]) => ScheduleCosts;
  /** Under the schedule. */
  readonly stageCosts: ScheduleCosts;
  readonly timeline: Timeline;
}

/** How a draft is timed. */
export interface DraftOptions {
  /** With its devices in the order of the pipeline. */
  readonly cluster: ClusterSpec;
  readonly schedule: Schedule;
  /** The order of the actions is searched for these stages; `schedule` gives placement and memory. */
  readonly isSearched: boolean;
  readonly seed?: number;
}

/** Times a partition. Requires: `cut` is one of the problem that was made for the schedule. */
export function draftOf(
  subject: PlanSubject,
  problem: PartitionProblem,
  cut: Partition,
  { cluster, schedule: first, isSearched, seed }: DraftOptions,
): Draft {
  const { blocks, training, forward } = subject;
  const stageOf = blocks.stageOfNodes(cut.stageOf);
  const again = new Set(cut.again.flatMap((block) => problem.graph.blocks[block]!.nodes));
  const recomputed =
    again.size === 0
      ? { differentiated: training.differentiated, runAgain: new Map() }
      : recompute(training.differentiated, { again, stageOf });
  const parts = stagesPerReplica(first);
  const placements = Array.from({ length: first.replicas ?? 1 }, (_, copy) =>
    first.placement.slice(copy * parts, (copy + 1) * parts),
  );
  const costs = placements.map((placement) => placedCosts(subject, cluster, placement, stageOf, recomputed));
  const costsWith = (isSplit: readonly boolean[]): ScheduleCosts =>
    joinCosts(
      placements.map((placement, copy) =>
        stageCosts(forward, costs[copy]!, stageOf, {
          placement,
          isSplit: isSplit.slice(copy * parts, (copy + 1) * parts),
          runsAgain: (node) => recomputed.runAgain.has(node),
          linkFrom: (from, to) => linkFrom(cluster, from, to),
          overheads: cluster.devices.map((device) => overheadsOn(subject, device)),
        }),
      ),
    );
  const search = { ...SEARCH, ...(seed === undefined ? {} : { seed }) };
  const schedule = isSearched ? reorder(first, costsWith(allSplit(first)), search).schedule : first;
  return timed({ cut, stageOf, recomputed, costs, costsWith }, schedule);
}

/** Every stage: orders are searched under the costs of that, since only the end of a search says which stay whole. */
export function allSplit({ placement }: Schedule): readonly boolean[] {
  return placement.map(() => true);
}

/** The same in this order. A stage whose backward pass is whole starts one program less. */
export function timed<T extends Pick<Draft, "costsWith">>(
  draft: T,
  schedule: Schedule,
): T & Pick<Draft, "schedule" | "stageCosts" | "timeline"> {
  const stageCosts = draft.costsWith(splitStages(schedule));
  return { ...draft, schedule, stageCosts, timeline: simulate(schedule, stageCosts) };
}

/** Costs by forward node on the device of its stage; a forward pass that runs again adds to its backward pass. */
function placedCosts(
  subject: PlanSubject,
  cluster: ClusterSpec,
  placement: readonly number[],
  stageOf: ReadonlyMap<NodeId, number>,
  { runAgain }: Recomputed,
): ReadonlyMap<NodeId, NodeCost> {
  const byDevice = cluster.devices.map((_, device) => costsOn(subject, cluster, device));
  return new Map(
    subject.forward.nodes.map(({ id }) => {
      const cost = byDevice[placement[stageOf.get(id)!]!]!.get(id)!;
      const phase = runAgain.get(id);
      if (phase === undefined) return [id, cost];
      return [
        id,
        {
          ...cost,
          inputGradMs: cost.inputGradMs + (phase === "I" ? cost.forwardMs : 0),
          weightGradMs: cost.weightGradMs + (phase === "W" ? cost.forwardMs : 0),
        },
      ];
    }),
  );
}
