/** @file What upgrade rules share. */
import { scalarOf } from "../decompose/emission.js";
import type { SourceNode, UpgradeRule } from "../source.js";
import { inputAt, numberAttr, numbersAttr, withInput, withoutAttrs } from "../source.js";

/** A rewrite for nodes of an operator set below `until`. `Infinity`: for all of them. */
export interface Upgrade {
  readonly until: number;
  readonly apply: UpgradeRule;
}

/** The rules of each operator, in the order in which they apply. */
export type Upgrades = Readonly<Record<string, readonly Upgrade[]>>;

/** A list attribute that became an int64 input. */
export function listToInput(name: string, position: number): UpgradeRule {
  return (b, node) => {
    const list = numbersAttr(node, name);
    const rest = withoutAttrs(node, name);
    return list ? withInput(rest, position, b.int64s(list)) : rest;
  };
}

/** A number attribute that became a scalar input of the element type of input 0. */
export function scalarToInput(name: string, position: number): UpgradeRule {
  return (b, node) => {
    if (!node.attrs.has(name)) return node;
    return withInput(withoutAttrs(node, name), position, scalarOf(b, numberAttr(node, name), inputAt(node, 0)));
  };
}

/** Attributes that mean nothing any more. */
export function drop(...names: readonly string[]): UpgradeRule {
  return (_b, node) => withoutAttrs(node, ...names);
}

/** Several rules for the same version, one after the other. */
export function all(...rules: readonly UpgradeRule[]): UpgradeRule {
  return (b, node) => rules.reduce((rewritten: SourceNode, rule) => rule(b, rewritten), node);
}
