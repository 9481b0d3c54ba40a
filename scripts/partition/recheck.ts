/**
 * @file A second reading of a workload and a second count of its loads: from the lines of the file and a stage for each of
 * its nodes, without blocks, nets, instances or anything else of the partitioner.
 */

/** Stage of each node, by its place in the file. */
type StageOf = ArrayLike<number>;

/** What the file and the stages of its nodes say. */
export interface Recheck {
  readonly maxLoad: number;
  /** Rules of the file that the stages break. */
  readonly broken: readonly string[];
}

/** A tensor as the stages see it: what each side of a cut pays, and the stages of its maker and readers. */
interface Charge {
  readonly ms: number;
  readonly stages: ReadonlySet<number>;
}

function largestLoad(loads: Float64Array, charges: Iterable<Charge>, relay: boolean): number {
  for (const { ms, stages } of charges) {
    if (stages.size < 2) continue;
    if (!relay) {
      for (const s of stages) loads[s]! += ms;
      continue;
    }
    const low = Math.min(...stages);
    const high = Math.max(...stages);
    for (let s = low; s <= high; s++) loads[s]! += s === low || s === high ? ms : 2 * ms;
  }
  return Math.max(...loads);
}

interface PlacementFile {
  readonly maxSizePerFPGA: number;
  readonly nodes: readonly {
    readonly id: number;
    readonly fpgaLatency: number;
    readonly isBackwardNode: boolean | number;
    readonly colorClass?: number | null;
    readonly size?: number;
  }[];
  readonly edges: readonly { readonly sourceId: number; readonly destId: number; readonly cost: number }[];
}

/** Loads of a device-placement workload: time of the nodes, and each node's output once per stage that it touches. */
export function recheckPlacement(text: string, stageCount: number, relay: boolean, stageOf: StageOf): Recheck {
  const { nodes, edges, maxSizePerFPGA } = JSON.parse(text) as PlacementFile;
  const broken: string[] = [];
  const loads = new Float64Array(stageCount);
  const bytes = new Float64Array(stageCount);
  const stages = new Map<number, number>();
  const isBackward = new Map<number, boolean>();
  const colors = new Map<number, number>();
  const forwardColors = new Set<number>();
  nodes.forEach((node, at) => {
    const stage = stageOf[at]!;
    stages.set(node.id, stage);
    isBackward.set(node.id, Boolean(node.isBackwardNode));
    loads[stage]! += node.fpgaLatency;
    bytes[stage]! += node.size ?? 0;
    const color = node.colorClass;
    if (color === undefined || color === null) return;
    if (!node.isBackwardNode) forwardColors.add(color);
    if (!colors.has(color)) colors.set(color, stage);
    else if (colors.get(color) !== stage) broken.push(`nodes of colour ${color} are apart`);
  });
  bytes.forEach((held, s) => {
    if (held > maxSizePerFPGA * (1 + 1e-9)) broken.push(`stage ${s} holds ${held} bytes of ${maxSizePerFPGA}`);
  });
  const orphans = new Set(
    nodes
      .filter(({ isBackwardNode, colorClass }) => isBackwardNode && !forwardColors.has(colorClass ?? NaN))
      .map(({ id }) => id),
  );
  const charges = new Map<number, { ms: number; stages: Set<number> }>();
  for (const { sourceId, destId, cost } of edges) {
    const from = stages.get(sourceId)!;
    const to = stages.get(destId)!;
    const backward = [sourceId, destId].map((id) => isBackward.get(id));
    if (!backward.includes(true) && from > to) broken.push(`edge ${sourceId} → ${destId} goes back`);
    if (!backward.includes(false) && (orphans.has(sourceId) || orphans.has(destId)) && from < to)
      broken.push(`backward edge ${sourceId} → ${destId} goes ahead`);
    const charge = charges.get(sourceId) ?? { ms: 0, stages: new Set([from]) };
    charge.ms = Math.max(charge.ms, cost);
    charge.stages.add(to);
    charges.set(sourceId, charge);
  }
  return { maxLoad: largestLoad(loads, charges.values(), relay), broken };
}

/** Bytes per millisecond of the link that PipeDream's profiles are priced at: 25 GB/s. */
const PROFILE_RATE = 25e6;

/** Loads of a graph.txt: forward and backward time, and each activation forth and back on each stage that it touches. */
export function recheckProfile(text: string, stageCount: number, relay: boolean, stageOf: StageOf): Recheck {
  const broken: string[] = [];
  const loads = new Float64Array(stageCount);
  const charges = new Map<string, { ms: number; stages: Set<number> }>();
  const edges: (readonly [string, string])[] = [];
  let at = 0;
  for (const line of text.split("\n").map((raw) => raw.trim())) {
    if (line === "") continue;
    const fields = new Map([...line.matchAll(/(\w+)=(\[[^\]]*\]|[^,\s]+)/g)].map((m) => [m[1]!, m[2]!]));
    const forward = fields.get("forward_compute_time");
    const [first, second] = line.split(" -- ");
    if (forward === undefined) {
      edges.push([first!, second!]);
      continue;
    }
    const stage = stageOf[at++]!;
    loads[stage]! += Number(forward) + Number(fields.get("backward_compute_time"));
    const sizes = (fields.get("activation_size") ?? "0").match(/[\d.]+(?:e[+-]?\d+)?/gi) ?? [];
    const bytes = sizes.reduce((sum, size) => sum + Number(size), 0);
    charges.set(first!, { ms: (2 * bytes) / PROFILE_RATE, stages: new Set([stage]) });
  }
  const home = new Map([...charges].map(([name, { stages }]) => [name, [...stages][0]!]));
  for (const [from, to] of edges) {
    if (home.get(from)! > home.get(to)!) broken.push(`edge ${from} → ${to} goes back`);
    charges.get(from)!.stages.add(home.get(to)!);
  }
  return { maxLoad: largestLoad(loads, charges.values(), relay), broken };
}
