/** @file Collects the nodes that cannot be imported, so that one error lists them all. */
import { closest } from "../closest.js";
import { PipewrightError } from "../errors.js";
import { plainName } from "../names.js";
import { REFUSALS } from "./unsupported.js";

/** A node that cannot be imported, and why. */
export interface Problem {
  readonly node: string;
  readonly op: string;
  readonly reason: string;
}

const LISTED = 25;

export class Problems {
  readonly #list: Problem[] = [];
  readonly #seen = new Set<string>();

  /** More than a message lists. */
  get isLong(): boolean {
    return this.#list.length > LISTED;
  }

  add(problem: Problem): void {
    const key = `${problem.op}\n${problem.node}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#list.push(problem);
  }

  /** Throws MODEL_UNSUPPORTED with all problems, if there are any. */
  throwIfAny(): void {
    const count = this.#list.length;
    if (count === 0) return;
    const lines = this.#list
      .slice(0, LISTED)
      .map(({ node, op, reason }) => `  ${plainName(node)} (${plainName(op)}): ${reason}`);
    if (count > LISTED) lines.push(`  … and ${count - LISTED} more`);
    throw new PipewrightError(
      "MODEL_UNSUPPORTED",
      `model: ${count === 1 ? "a node is" : `${count} nodes are`} not supported:\n${lines.join("\n")}\n  Replace ${count === 1 ? "it" : "them"} in the model, or export with other operators.`,
      { nodes: this.#list },
    );
  }
}

/** Why an operator is refused: the reason where there is one, else the nearest operator that exists. */
export function unknownOperator(op: string, domain: string, known: Iterable<string>): string {
  const reason = domain === "" ? REFUSALS.get(op) : undefined;
  if (reason) return `operator ${op} is not supported: ${reason}.`;
  const from = domain === "" ? "" : ` of domain ${plainName(domain)}`;
  const near = closest(op, known);
  return `operator ${plainName(op)}${from} is not supported${near ? `; the closest one is ${near}` : ""}.`;
}
