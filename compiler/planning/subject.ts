/** @file What all candidates for a plan share: the model ready to train, what it costs on each kind of device, its blocks. */
import type { ClusterSpec } from "../cluster.js";
import type { Differentiated } from "../autodiff/differentiated.js";
import { invariant } from "../errors.js";
import type { NodeId } from "../ir/graph.js";
import { OPS } from "../ops/registry.js";
import type { Blocks } from "../partition/blocks.js";
import type { ForwardModel } from "../partition/forward-model.js";
import type { Steering } from "../partition/problem.js";
import { NO_OVERHEADS } from "../plan/stage-costs.js";
import { analyticProfile } from "../profile/analytic.js";
import { computeMs } from "../compute-ms.js";
import type { DeviceKind, DeviceSpec, NodeCost, Overheads, Profile } from "../profile/profile.js";
import type { TrainingGraph } from "../training.js";

/** "analytic", a profile that exists, or a function that measures one. */
export type ProfileSource =
  "analytic" | Profile | ((graph: Differentiated, device: DeviceSpec, cluster: ClusterSpec) => Promise<Profile>);

/** Profiles by kind of device. */
export type Profiles = ReadonlyMap<DeviceKind, Profile>;

export interface PlanSubject {
  readonly training: TrainingGraph;
  /** Group of the optimizer of each trained parameter that has one, by name. */
  readonly groups: ReadonlyMap<string, number>;
  readonly profiles: Profiles;
  /** Costs are those of the kind of the cluster's first device. */
  readonly forward: ForwardModel;
  readonly blocks: Blocks;
  /** What the user decided about the blocks. */
  readonly steering: Steering;
  readonly batchAxes: ReadonlyMap<string, number | null>;
}

/** One profile for each kind of device in the cluster; a profile that exists is that of every kind. */
export async function profilesOf(
  graph: Differentiated,
  cluster: ClusterSpec,
  source: ProfileSource,
): Promise<Profiles> {
  const profiles = new Map<DeviceKind, Profile>();
  for (const device of cluster.devices) {
    if (profiles.has(device.kind)) continue;
    if (source === "analytic") profiles.set(device.kind, analyticProfile(graph, OPS, device));
    else profiles.set(device.kind, typeof source === "function" ? await source(graph, device, cluster) : source);
  }
  return profiles;
}

/** How fast each device is; 1 is the first. Kinds by their profiles, devices of one kind by their arithmetic rate. */
export function deviceSpeeds({ devices }: ClusterSpec, profiles: Profiles): readonly number[] {
  const total = (kind: DeviceKind): number => {
    const profile = profiles.get(kind);
    invariant(profile, `no profile of ${kind} devices`);
    let sum = 0;
    for (const cost of profile.nodes.values()) sum += computeMs(cost);
    return sum;
  };
  const first = devices[0]!;
  return devices.map((device) => {
    const own = total(device.kind);
    const ofKind = devices.find(({ kind }) => kind === device.kind)!;
    const kindSpeed = own > 0 ? total(first.kind) / own : 1;
    return kindSpeed * (device.flopsPerMs / ofKind.flopsPerMs);
  });
}

/** What each forward node costs on a device. */
export function costsOn(
  { profiles, forward }: PlanSubject,
  { devices }: ClusterSpec,
  device: number,
): ReadonlyMap<NodeId, NodeCost> {
  const { kind, flopsPerMs } = devices[device]!;
  const profile = profiles.get(kind)!;
  const slower = devices.find((other) => other.kind === kind)!.flopsPerMs / flopsPerMs;
  return new Map(
    forward.nodes.map(({ id, name, cost }) => {
      const { forwardMs, inputGradMs, weightGradMs } = profile.nodes.get(name) ?? cost;
      return [
        id,
        { forwardMs: forwardMs * slower, inputGradMs: inputGradMs * slower, weightGradMs: weightGradMs * slower },
      ];
    }),
  );
}

/** What a device takes besides its nodes; nothing if that was not measured. */
export function overheadsOn({ profiles }: Pick<PlanSubject, "profiles">, { kind }: DeviceSpec): Overheads {
  return profiles.get(kind)?.overheads ?? NO_OVERHEADS;
}
