/** @file A digest of a graph: what ties a profile to the model that it was measured on. */
import type { Graph } from "../ir/graph.js";
import { formatGraph } from "../ir/print.js";

const FNV_PRIME = 0x01000193;

/**
 * Two 32-bit FNV-1a hashes of the text form, from two bases, as 16 hex digits. Guards against mix-ups, not against
 * malice. Source: Fowler, Noll, Vo; draft-eastlake-fnv.
 */
export function graphDigest(graph: Graph): string {
  const text = formatGraph(graph);
  return hex(fnv1a(text, 0x811c9dc5)) + hex(fnv1a(text, 0x1000193b));
}

function fnv1a(text: string, basis: number): number {
  let hash = basis;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), FNV_PRIME);
  return hash >>> 0;
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}
