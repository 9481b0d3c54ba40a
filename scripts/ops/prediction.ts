/** @file The analytic costs of a program beside its measured time. */
import { CPU_CORE } from "../../compiler/cluster.js";
import type { ProgramParts } from "../../compiler/onnx/export.js";
import { OPS } from "../../compiler/ops/registry.js";
import { workOf } from "../../compiler/ir/node-work.js";
import { rooflineMs } from "../../compiler/profile/analytic.js";

const CORE = { ...CPU_CORE, name: "core" };

/** Arithmetic of all nodes. */
export function flopsOf({ nodes }: ProgramParts): number {
  return nodes.reduce((sum, node) => sum + workOf(node, OPS).flops, 0);
}

/** Milliseconds that `--analytic` costs say. */
export function predictedMs({ nodes }: ProgramParts): number {
  return nodes.reduce((sum, node) => sum + rooflineMs(workOf(node, OPS), CORE), 0);
}
