/** @file Time of all phases together, of a node or of what is made of nodes: blocks, stages. */

/** F, I and W, for one microbatch. */
export function computeMs(times: {
  readonly forwardMs: number;
  readonly inputGradMs: number;
  readonly weightGradMs: number;
}): number {
  return times.forwardMs + times.inputGradMs + times.weightGradMs;
}
