/** @file Arithmetic and traffic of a node of any op. */
import type { OpTable, Work } from "../ops/define.js";
import type { Node } from "./graph.js";

/** As its operator says, from the types of what it reads and makes. */
export function workOf({ op, inputs, outputs, attrs }: Node, ops: OpTable): Work {
  const def = ops[op] as unknown as { work: (x: unknown, y: unknown, attrs: unknown) => Work };
  const types = (values: Node["inputs"]) => values.map((value) => value?.type);
  return def.work(types(inputs), types(outputs), attrs);
}
