/** @file The losses as arithmetic on the IR: each builds a scalar mean from an output and a target. */
import type { Value } from "../ir/graph.js";
import { elementCount } from "../ir/literal.js";
import { elementTypeCode } from "../ops/element-type.js";
import type { Emitter } from "../ops/define.js";

/** Mean of squared differences over all elements. Requires: equal shapes. */
export function meanSquaredError(b: Emitter, output: Value, target: Value): Value {
  // The gradient of a sum of squares is one product; that of a mean of products is two and a sum.
  const sum = b.emit("ReduceSumSquare", [b.emit("Sub", [output, target])], { keepdims: 0 });
  return b.emit("Div", [sum, b.scalar(elementCount(output.type.shape), output.type.dtype)]);
}

/**
 * Binary cross entropy of logits x with targets t in [0, 1], averaged over all elements: mean(softplus(x) − x·t).
 * The form max(x, 0) − x·t + ln(1 + exp(−|x|)) is as stable but gets the wrong gradient at x = 0 from its two kinks.
 */
export function binaryCrossEntropy(b: Emitter, logits: Value, target: Value): Value {
  const loss = b.emit("Sub", [b.emit("Softplus", [logits]), b.emit("Mul", [logits, target])]);
  return b.emit("ReduceMean", [loss], { keepdims: 0 });
}

/** How class scores are read. */
export interface ClassAxis {
  /** In 0..rank-1. */
  readonly axis: number;
  readonly ignoreIndex: number | undefined;
}

/**
 * Cross entropy of softmax(logits) with class numbers, averaged over the positions that are not ignored. All ignored
 * gives NaN, as in torch.
 * Requires: the target has the shape of the logits without the class axis.
 */
export function softmaxCrossEntropy(b: Emitter, logits: Value, target: Value, { axis, ignoreIndex }: ClassAxis): Value {
  const kept = logits.type.shape.map((size, own) => (own === axis ? 1 : size));
  const logProbabilities = b.emit("LogSoftmax", [logits], { axis });
  const classes = b.emit("Reshape", [target, b.int64s(kept)], { allowzero: 1 });
  if (ignoreIndex === undefined) {
    const picked = b.emit("GatherElements", [logProbabilities, classes], { axis });
    return b.emit("Neg", [b.emit("ReduceMean", [picked], { keepdims: 0 })]);
  }
  const { dtype } = logits.type;
  const isIgnored = b.emit("Equal", [classes, b.scalar(ignoreIndex, target.type.dtype)]);
  const inRange = b.emit("Where", [isIgnored, b.scalar(0, target.type.dtype), classes]);
  const picked = b.emit("GatherElements", [logProbabilities, inRange], { axis });
  const counted = b.emit("Where", [isIgnored, b.scalar(0, dtype), picked]);
  const positions = b.emit("Cast", [b.emit("Not", [isIgnored])], { to: elementTypeCode(dtype) });
  const sum = b.emit("ReduceSum", [counted], { keepdims: 0 });
  const count = b.emit("ReduceSum", [positions], { keepdims: 0 });
  return b.emit("Neg", [b.emit("Div", [sum, count])]);
}
