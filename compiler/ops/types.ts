/** @file Attribute types of every op, merged from the families. Types only, so that the families may import OpType. */
import type { BinaryAttrs } from "./binary.js";
import type { MovementAttrs } from "./movement.js";
import type { ReduceAttrs } from "./reduce.js";

export interface OpAttrs extends BinaryAttrs, MovementAttrs, ReduceAttrs {}

/** An operator of the IR, by its ONNX name. */
export type OpType = keyof OpAttrs;
