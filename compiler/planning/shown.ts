/** @file What a value is a view of. */
import type { Node, Value, ValueId } from "../ir/graph.js";
import { inputReuse } from "../ops/kernel-memory.js";

/** A value, what it is a view of and so on; the last one has a buffer. Undefined if that is none that `maker` knows. */
export function shownBy(value: Value, maker: ReadonlyMap<ValueId, Node>): readonly Value[] | undefined {
  const shown = [value];
  for (;;) {
    const last = shown[shown.length - 1]!;
    const node = maker.get(last.id);
    if (!node) return undefined;
    const output = node.outputs.findIndex((own) => own?.id === last.id);
    const reuse = inputReuse(node, output);
    if (reuse?.how !== "view") return shown;
    const next = node.inputs[reuse.input];
    if (!next) return undefined;
    shown.push(next);
  }
}
