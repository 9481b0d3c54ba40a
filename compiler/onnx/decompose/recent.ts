/** @file Small operators that opsets 23 to 26 added. Source: the operators of the same names in ONNX. */
import { listed } from "../../ir/listed.js";
import type { Value } from "../../ir/graph.js";
import { literalNumbers } from "../../ir/literal.js";
import { normalizeAxis } from "../../ops/shape.js";
import type { Decomposition, ImportEmitter, SourceNode } from "../source.js";
import { constantNumbers, inputAt, malformedNode, numberAttr, textAttr } from "../source.js";
import { stack, unstack } from "../structural/slices.js";
import { cast, expanded, scalarOf, shaped } from "./emission.js";

/**
 * y = scale · x / √(mean(x²) + ε), the mean over the axes from `axis` on.
 */
export function rmsNormalized(b: ImportEmitter, node: SourceNode, x: Value, scale: Value, epsilon: number): Value {
  const { shape } = x.type;
  const start = normalizeAxis(numberAttr(node, "axis", -1), shape.length);
  const axes = b.int64s(shape.flatMap((_, axis) => (axis >= start ? [axis] : [])));
  const mean = b.emit("ReduceMean", [b.emit("Mul", [x, x]), axes], { keepdims: 1 });
  const root = b.emit("Sqrt", [b.emit("Add", [mean, scalarOf(b, epsilon, x)])]);
  return b.emit("Mul", [cast(b, b.emit("Div", [x, root]), scale.type.dtype), scale]);
}

const rmsNormalization: Decomposition = (b, node) => [
  rmsNormalized(b, node, inputAt(node, 0), inputAt(node, 1), numberAttr(node, "epsilon", 1e-5)),
];

const swish: Decomposition = (b, node) => {
  const x = inputAt(node, 0);
  const alpha = numberAttr(node, "alpha", 1);
  const slope = alpha === 1 ? x : b.emit("Mul", [x, scalarOf(b, alpha, x)]);
  return [b.emit("Mul", [x, b.emit("Sigmoid", [slope])])];
};

/** Writes an update into a cache, each sample from its own position on. */
const tensorScatter: Decomposition = (b, node) => {
  const [cache, update, starts] = [inputAt(node, 0), inputAt(node, 1), node.inputs[2]];
  const rank = cache.type.shape.length;
  const axis = normalizeAxis(numberAttr(node, "axis", -2), rank);
  if (axis === 0) throw malformedNode(node, "axis 0 is the batch axis; expected another one");
  const { shape } = cache.type;
  const isWrong = (size: number, at: number): boolean => (at === axis ? size > shape[at]! : size !== shape[at]);
  if (update.type.shape.length !== rank || update.type.shape.some(isWrong))
    throw malformedNode(
      node,
      `the update does not fit; got [${update.type.shape.join(",")}] for a cache [${shape.join(",")}]`,
    );
  if (starts && (starts.type.shape.length !== 1 || starts.type.shape[0] !== shape[0]))
    throw malformedNode(node, `input 2 is wrong; got [${starts.type.shape.join(",")}], expected [${shape[0]}]`);
  const known = b.constant(starts);
  const before = known && literalNumbers(known).find((start) => start < 0);
  if (before !== undefined) throw malformedNode(node, `input 2 holds the place ${before}; expected at least 0`);
  const along = (length: number, at: number): readonly number[] =>
    cache.type.shape.map((_, own) => (own === at ? length : 1));
  const steps = listed(update.type.shape[axis]!, (step) => step);
  let places = shaped(b, b.int64s(steps), along(steps.length, axis));
  if (starts) places = b.emit("Add", [places, shaped(b, starts, along(starts.type.shape[0]!, 0))]);
  if (textAttr(node, "mode", "linear") === "circular") {
    places = b.emit("Mod", [places, b.scalar(cache.type.shape[axis]!, "int64")]);
  }
  return [b.emit("ScatterElements", [cache, expanded(b, places, update.type.shape), update], { axis })];
};

/** Products of all slices up to each one, along an axis of static size. */
const cumulativeProduct: Decomposition = (b, node) => {
  const x = inputAt(node, 0);
  const axis = normalizeAxis(constantNumbers(b, node, 1)[0]!, x.type.shape.length);
  const backward = numberAttr(node, "reverse", 0) !== 0;
  const exclusive = numberAttr(node, "exclusive", 0) !== 0;
  const slices = [...unstack(b, x, axis)];
  if (slices.length === 0) return [x];
  if (backward) slices.reverse();
  const products: Value[] = [];
  let product = expanded(b, scalarOf(b, 1, x), slices[0]!.type.shape);
  for (const [position, slice] of slices.entries()) {
    const next = position === 0 ? slice : b.emit("Mul", [product, slice]);
    products.push(exclusive ? product : next);
    product = next;
  }
  if (backward) products.reverse();
  return [stack(b, products, axis)];
};

export const recent: Readonly<Record<string, Decomposition>> = {
  RMSNormalization: rmsNormalization,
  Swish: swish,
  TensorScatter: tensorScatter,
  CumProd: cumulativeProduct,
};
