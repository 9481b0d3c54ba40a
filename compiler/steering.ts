/** @file From names that the user wrote to blocks of the partition: pins, groups, tensors that are not cut. */
import { plainName } from "./names.js";
import { suggestion } from "./closest.js";
import { PipewrightError } from "./errors.js";
import { blocksOfNodes } from "./partition/blocks.js";
import type { ForwardModel } from "./partition/forward-model.js";
import type { BlockGraph, Pin, Steering } from "./partition/problem.js";
import { matchesPattern } from "./pattern.js";

/** Decisions by name; in every pattern `*` stands for any text. */
export interface SteeringRules {
  /** Nodes and the stage that they are on. */
  readonly pins?: readonly { readonly nodes: string; readonly stage: number }[];
  /** Patterns of nodes; all that one group matches share a stage. */
  readonly together?: readonly (readonly string[])[];
  /** Patterns of tensors that stay within a stage. */
  readonly uncut?: readonly string[];
}

/** Names that a message lists. */
const SHOWN = 6;

/**
 * The rules as the partitioner reads them.
 *
 * Requires: blocks made from this model.
 * @throws USAGE for a pattern that matches nothing, with the nearest name.
 */
export function steeringOf(rules: SteeringRules, { nodes, tensors }: ForwardModel, graph: BlockGraph): Steering {
  const blockOf = blocksOfNodes(graph);
  const nodesLike = (pattern: string, flag: string) => matching(nodes, pattern, flag, "node");
  const pins: Pin[] = (rules.pins ?? []).flatMap(({ nodes: pattern, stage }) =>
    nodesLike(pattern, "--pin").map(({ id, name }) => ({ block: blockOf.get(id)!, stage, name })),
  );
  const groups = (rules.together ?? []).map((patterns) =>
    patterns.flatMap((pattern) => nodesLike(pattern, "--together").map(({ id }) => blockOf.get(id)!)),
  );
  const uncut = (rules.uncut ?? []).flatMap((pattern) =>
    matching(tensors, pattern, "--uncut", "tensor").map(({ maker, readers }) =>
      [maker, ...readers].map((id) => blockOf.get(id)!),
    ),
  );
  return { pins, together: [...groups, ...uncut].map((group) => [...new Set(group)]) };
}

function matching<T extends { readonly name: string }>(
  items: readonly T[],
  pattern: string,
  flag: string,
  kind: string,
): readonly T[] {
  const found = items.filter(({ name }) => matchesPattern(name, pattern));
  if (found.length > 0) return found;
  const names = items.map(({ name }) => name);
  const shown = names.slice(0, SHOWN).map(plainName).join(", ");
  throw new PipewrightError(
    "USAGE",
    `${flag} ${pattern}: matches no ${kind}; the model has ${shown}${names.length > SHOWN ? ", …" : ""}.` +
      suggestion(pattern, names),
  );
}
