/** @file Checks that a graph keeps the rules of the IR. Run between passes in tests and under `--verify`. */
import { invariant } from "../errors.js";
import type { OpTable } from "../ops/define.js";
import type { Graph, Node, Value, ValueId } from "./graph.js";
import { formatNode, formatType } from "./print.js";

/**
 * Requires: nothing.
 * Ensures: each value has one producer that comes before its readers, names are unique, and every type is what the
 * op's shape rule gives.
 * @throws an internal error that names the pass and the node.
 */
export function verify(graph: Graph, ops: OpTable, pass: string): void {
  const defined = new Map<ValueId, Value>();
  const names = new Set<string>();
  const define = (value: Value, where: string): void => {
    invariant(!defined.has(value.id), `after ${pass}: ${where} defines value ${value.name} a second time`);
    invariant(!names.has(value.name), `after ${pass}: ${where} takes the name ${value.name}, which another value has`);
    defined.set(value.id, value);
    names.add(value.name);
  };
  for (const value of graph.inputs) define(value, "input");
  for (const value of graph.params) define(value, "param");
  for (const node of graph.nodes) {
    for (const value of node.inputs) {
      if (!value || value.literal) continue;
      invariant(
        defined.get(value.id) === value,
        `after ${pass}: ${value.name} is read before it is made: ${formatNode(node)}`,
      );
    }
    verifyTypes(node, ops, pass);
    for (const value of node.outputs) if (value) define(value, node.name);
  }
  for (const value of [...graph.outputs, ...graph.states.flatMap(({ param, next }) => [param, next])]) {
    invariant(
      value.literal || defined.get(value.id) === value,
      `after ${pass}: result ${value.name} is made by nothing`,
    );
  }
}

function verifyTypes(node: Node, ops: OpTable, pass: string): void {
  const def = ops[node.op] as unknown as {
    infer: (x: unknown, attrs: unknown, outputs: number) => readonly Value["type"][];
  };
  const types = def.infer(node.inputs, node.attrs, node.outputs.length);
  for (const [index, value] of node.outputs.entries()) {
    if (!value) continue;
    const wanted = formatType(types[index]!);
    invariant(
      formatType(value.type) === wanted,
      `after ${pass}: ${value.name} should be ${wanted}: ${formatNode(node)}`,
    );
  }
}
