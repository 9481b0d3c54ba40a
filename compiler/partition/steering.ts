/** @file What the user decided beforehand, put into the instance: groups become nodes, pins become windows. */
import { PipewrightError } from "../errors.js";
import { contract, DisjointSets } from "./contract.js";
import type { Contraction } from "./contract.js";
import { instanceOf } from "./instance.js";
import type { Instance } from "./instance.js";
import type { PartitionProblem, Pin } from "./problem.js";

/**
 * The instance in which blocks that must share a stage are one node, as are blocks on a cycle that this closes.
 * O((blocks + pins of nets) log blocks).
 * @throws PLAN_INFEASIBLE when two pins contradict each other, naming both, or too few groups are left.
 */
export function steered(problem: PartitionProblem): Contraction {
  const plain = instanceOf(problem);
  const { together = [], uncut = [], pins = [] } = problem.steering ?? {};
  const sets = new DisjointSets(plain.size);
  for (const group of together) for (const v of group) sets.union(group[0]!, v);
  for (const e of uncut) {
    const { producer, consumers } = problem.graph.nets[e]!;
    for (const v of consumers) sets.union(producer, v);
  }
  const steered = contract(plain, sets);
  const conflict = pinConflict(problem, pins, steered);
  if (conflict !== undefined) throw new PipewrightError("PLAN_INFEASIBLE", `partition: ${conflict}`);
  const { size } = steered.instance;
  if (problem.emptyStages !== true && size < problem.stages.length)
    throw new PipewrightError(
      "PLAN_INFEASIBLE",
      `partition: what must stay together leaves too little to cut; got ${size} groups of blocks, expected one for each ` +
        `of ${problem.stages.length} stages. Keep fewer together or use fewer stages.`,
      { groups: size, stages: problem.stages.length },
    );
  return steered;
}

/** Two pins that no partition can keep both, in words. */
function pinConflict(
  { graph, stages }: PartitionProblem,
  pins: readonly Pin[],
  { instance, nodeOf }: Contraction,
): string | undefined {
  const text = ({ block, stage, name }: Pin): string =>
    `"${name ?? graph.blocks[block]!.name}" is pinned to stage ${stage}`;
  const own = new Map<number, Pin>();
  for (const pin of pins) {
    if (!(pin.stage >= 0 && pin.stage < stages.length))
      return `${text(pin)}; there are stages 0 to ${stages.length - 1}.`;
    const node = nodeOf[pin.block]!;
    const known = own.get(node);
    if (known && known.stage !== pin.stage)
      return `${text(known)} and ${text(pin)}, but they must share a stage: one block, one group, or a cycle of groups.`;
    own.set(node, pin);
  }
  const [above, pin] = contradiction(instance, own) ?? [];
  return above && pin && `${text(above)} and comes before what follows; ${text(pin)}. Data cannot flow back.`;
}

/** A pinned node and one pinned to an earlier stage behind it. O(nodes + edges). */
function contradiction({ size, before }: Instance, own: ReadonlyMap<number, Pin>): readonly [Pin, Pin] | undefined {
  const latest: (Pin | undefined)[] = [];
  for (let v = 0; v < size; v++) {
    let above: Pin | undefined;
    for (let i = before.start[v]!; i < before.start[v + 1]!; i++) {
      const candidate = latest[before.entries[i]!];
      if (candidate && candidate.stage > (above?.stage ?? -1)) above = candidate;
    }
    const pin = own.get(v);
    if (pin && above && above.stage > pin.stage) return [above, pin];
    latest.push(pin && pin.stage >= (above?.stage ?? -1) ? pin : above);
  }
  return undefined;
}
