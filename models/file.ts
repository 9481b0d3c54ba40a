/** @file A model made in code as the ONNX file that a user would have. */
import { exportGraph } from "../compiler/onnx/export.js";
import type { BuiltModel } from "./model.js";

/** Ensures: equal models give equal bytes; parameters are initializers under their names. */
export function modelFile({ graph, weights }: BuiltModel): Uint8Array {
  const bytes = new Map([...weights].map(([name, elements]) => [name, new Uint8Array(elements.buffer)]));
  return exportGraph(graph, { weights: bytes });
}
