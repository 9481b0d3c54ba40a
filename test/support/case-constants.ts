/** @file Constants that test cases name by their content. */
import { literalOf } from "../../compiler/ir/literal.js";
import type { BriefModel, BriefNode } from "./proto-model.js";

/** Integer constants that cases name: "i:1,2". Float scalars: "f:0.5"; floats "fs:1,2". */
export function constants(nodes: readonly BriefNode[]): NonNullable<BriefModel["initializers"]> {
  const names = nodes.flatMap(({ inputs }) => inputs).filter((name) => name.includes(":"));
  return Object.fromEntries(
    names.map((name) => {
      const [kind, list] = name.split(":") as [string, string];
      const numbers = list.split(",").map(Number);
      if (kind === "i") return [name, literalOf("int64", [numbers.length], numbers)];
      return [name, literalOf("float32", kind === "f" ? [] : [numbers.length], numbers)];
    }),
  );
}
