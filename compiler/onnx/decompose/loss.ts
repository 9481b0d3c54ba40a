/** @file NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss. Source: ONNX NegativeLogLikelihoodLoss-13. */
import type { Value } from "../../ir/graph.js";
import { formatShape, sameShape } from "../../ops/shape.js";
import type { Decomposition, ImportEmitter, SourceNode } from "../source.js";
import { inputAt, malformedNode, numberAttr, textAttr } from "../source.js";
import { cast, scalarOf } from "./emission.js";

/**
 * The loss of log probabilities [n, classes, …] for labels [n, …].
 * A label equal to ignore_index contributes neither to the sum nor to the weight that the mean divides by.
 */
function negativeLogLikelihood(b: ImportEmitter, node: SourceNode, logProbabilities: Value): Value {
  const labels = inputAt(node, 1);
  const [shape, wanted] = [labels.type.shape, logProbabilities.type.shape.filter((_, axis) => axis !== 1)];
  if (logProbabilities.type.shape.length < 2 || !sameShape(shape, wanted))
    throw malformedNode(node, `labels do not fit; got ${formatShape(shape)}, expected ${formatShape(wanted)}`);
  const ignored = node.attrs.has("ignore_index") ? numberAttr(node, "ignore_index") : undefined;
  const { dtype } = logProbabilities.type;
  const counts =
    ignored === undefined ? undefined : b.emit("Not", [b.emit("Equal", [labels, scalarOf(b, ignored, labels)])]);
  const classes = counts ? b.emit("Where", [counts, labels, scalarOf(b, 0, labels)]) : labels;
  const axis = b.int64s([1]);
  const picked = b.emit("GatherElements", [logProbabilities, b.emit("Unsqueeze", [classes, axis])], { axis: 1 });
  const losses = b.emit("Neg", [b.emit("Squeeze", [picked, axis])]);
  const weights = node.inputs[2] && b.emit("Gather", [node.inputs[2], classes], { axis: 0 });
  const present = counts && cast(b, counts, dtype);
  const factor = weights && present ? b.emit("Mul", [weights, present]) : (weights ?? present);
  return reduced(b, node, factor ? b.emit("Mul", [losses, factor]) : losses, factor);
}

function reduced(b: ImportEmitter, node: SourceNode, losses: Value, factor: Value | undefined): Value {
  const reduction = textAttr(node, "reduction", "mean");
  const total = (x: Value): Value => b.emit("ReduceSum", [x], { keepdims: 0 });
  switch (reduction) {
    case "none":
      return losses;
    case "sum":
      return total(losses);
    case "mean":
      return factor ? b.emit("Div", [total(losses), total(factor)]) : b.emit("ReduceMean", [losses], { keepdims: 0 });
  }
  throw malformedNode(node, `attribute "reduction" is unknown; got ${JSON.stringify(reduction)}`);
}

export const losses: Readonly<Record<string, Decomposition>> = {
  NegativeLogLikelihoodLoss: (b, node) => [negativeLogLikelihood(b, node, inputAt(node, 0))],
  SoftmaxCrossEntropyLoss: (b, node) => {
    const logProbabilities = b.emit("LogSoftmax", [inputAt(node, 0)], { axis: 1 });
    return [negativeLogLikelihood(b, node, logProbabilities), logProbabilities];
  },
};
