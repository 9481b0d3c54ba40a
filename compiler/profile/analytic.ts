/**
 * @file Costs without measuring: the roofline model (Williams, Waterman & Patterson 2009). A node takes the longer of
 * its arithmetic at the device's peak rate and its traffic at the device's memory rate. Same input, same costs.
 */
import type { Differentiated } from "../autodiff/differentiated.js";
import type { Work } from "../ops/define.js";
import type { OpTable } from "../ops/define.js";
import { workOf } from "../ir/node-work.js";
import type { DeviceSpec, NodeCost, Profile } from "./profile.js";
import { graphDigest } from "./digest.js";
import { ownerCosts } from "./owner-costs.js";

/** Milliseconds of a node on `device`. */
export function rooflineMs({ flops, bytes }: Work, device: DeviceSpec): number {
  return Math.max(flops / device.flopsPerMs, bytes / device.memoryBytesPerMs);
}

/**
 * Requires: a differentiated graph of one microbatch.
 * Ensures: one cost per forward node, reproducible, in ms per microbatch.
 */
export function analyticProfile(differentiated: Differentiated, ops: OpTable, device: DeviceSpec): Profile {
  const nodes: ReadonlyMap<string, NodeCost> = ownerCosts(differentiated, (node) =>
    rooflineMs(workOf(node, ops), device),
  );
  return {
    version: 1,
    source: "analytic",
    deviceKind: device.kind,
    graphDigest: graphDigest(differentiated.graph),
    nodes,
  };
}
