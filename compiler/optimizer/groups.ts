/** @file Which trained parameter belongs to which group of the optimizer. */
import type { Value } from "../ir/graph.js";
import { chooseParameters } from "../ir/parameter-patterns.js";
import type { OptimizerSpec } from "../plan/plan.js";

/**
 * The index of each parameter's group, by name; parameters of no group are left out. The first group that has a
 * parameter counts.
 * @throws USAGE for a pattern that matches no trained parameter.
 */
export function groupsOf({ groups = [] }: OptimizerSpec, trained: readonly Value[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [index, { parameters }] of groups.entries()) {
    for (const { name } of chooseParameters(trained, parameters, trained, "--param-group"))
      if (!found.has(name)) found.set(name, index);
  }
  return found;
}
