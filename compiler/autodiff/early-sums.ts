/**
 * @file Sums that I makes for W. The gradient of a bias or of a normalization's scale is a sum over a tensor that I has
 * at hand: taken at once it reads the caches, taken by W it reads memory, and often the tensor is kept for it alone.
 */
import type { Node, NodeId, Value, ValueId } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import { workOf } from "../ir/node-work.js";
import { producers } from "../ir/walk.js";
import type { OpTable } from "../ops/define.js";
import type { NodePhase } from "./differentiated.js";

/** A sum has at most one number for so many of what it is taken over. */
const LEAST_TERMS = 16;
/** A sum takes at least one operation for each of its terms, and at most so many: a product has time for memory. */
const MOST_FLOPS = 4;

/** What W makes of tensors of F and I: a node and those before it that serve nothing else. */
interface Branch {
  readonly node: Node;
  readonly before: readonly Branch[];
  readonly flops: number;
  /** Elements of the largest tensor that it reads and I reads too. */
  readonly terms: number;
  /** Whether it only shows tensors in other shapes, which W does for itself where others need that too. */
  readonly isView: boolean;
}

/**
 * Labels I what makes a sum over a tensor of I and serves nothing else, where I itself reads that tensor on its way: the
 * last tensor of the way may come from another stage, and then only W would be at work here.
 *
 * Requires: labels as of `splitPhases`. Ensures: no I node reads what a W node makes; what was F or I is so still. Cost:
 * linear.
 */
export function withEarlySums(
  nodes: readonly Node[],
  phase: ReadonlyMap<NodeId, NodePhase>,
  ops: OpTable,
): ReadonlyMap<NodeId, NodePhase> {
  const early = new Map(phase);
  const maker = producers({ nodes });
  const readers = new Map<ValueId, number>();
  const readByI = new Set<ValueId>();
  for (const { id, inputs } of nodes) {
    for (const value of inputs) {
      if (!value) continue;
      readers.set(value.id, (readers.get(value.id) ?? 0) + 1);
      if (phase.get(id) === "I") readByI.add(value.id);
    }
  }
  const branches = new Map<ValueId, Branch>();

  for (const node of nodes) {
    if (phase.get(node.id) !== "W") continue;
    const before: Branch[] = [];
    let terms = 0;
    let isOwn = true;
    for (const value of node.inputs) {
      const made = value && maker.get(value.id);
      if (!made || phase.get(made.id) === "F") continue;
      const branch = branches.get(value.id);
      if (readByI.has(value.id)) terms = Math.max(terms, elementCount(value.type.shape));
      else if (branch && (branch.isView || readers.get(value.id) === 1)) before.push(branch);
      else isOwn &&= phase.get(made.id) === "I";
    }
    terms = Math.max(terms, ...before.map((branch) => branch.terms));
    const flops = before.reduce((sum, branch) => sum + branch.flops, workOf(node, ops).flops);
    if (!isOwn || flops > MOST_FLOPS * terms) continue;
    const isView = ops[node.op].isView === true && before.every((branch) => branch.isView);
    const branch: Branch = { node, before, flops, terms, isView };
    if (terms >= LEAST_TERMS * elementCountOf(node.outputs) && flops >= terms) label(branch, early);
    else for (const value of node.outputs) if (value) branches.set(value.id, branch);
  }
  return early;
}

/** Labels I the whole branch. */
function label(branch: Branch, early: Map<NodeId, NodePhase>): void {
  const left = [branch];
  for (let next = left.pop(); next; next = left.pop()) {
    if (early.get(next.node.id) === "I") continue;
    early.set(next.node.id, "I");
    left.push(...next.before);
  }
}

function elementCountOf(values: readonly (Value | undefined)[]): number {
  return values.reduce((sum, value) => sum + (value ? elementCount(value.type.shape) : 0), 0);
}
