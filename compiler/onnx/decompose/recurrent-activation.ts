/** @file The activations that RNN, GRU and LSTM name by strings. */
import type { Value } from "../../ir/graph.js";
import type { ImportEmitter, SourceNode } from "../source.js";
import { malformedNode, numbersAttr, textsAttr } from "../source.js";
import { scalarOf } from "./emission.js";

export type Activation = (b: ImportEmitter, x: Value) => Value;

interface Named {
  /** Default of the first parameter; undefined when it has none. */
  readonly alpha?: number;
  readonly beta?: number;
  readonly apply: (b: ImportEmitter, x: Value, alpha: number, beta: number) => Value;
}

const linear = (b: ImportEmitter, x: Value, alpha: number, beta: number): Value =>
  b.emit("Add", [b.emit("Mul", [x, scalarOf(b, alpha, x)]), scalarOf(b, beta, x)]);

/** Source: ONNX RNN-14, "Activation functions". Names are compared without regard to case, as ONNX Runtime does. */
const NAMED: ReadonlyMap<string, Named> = new Map<string, Named>([
  ["relu", { apply: (b, x) => b.emit("Relu", [x]) }],
  ["tanh", { apply: (b, x) => b.emit("Tanh", [x]) }],
  ["sigmoid", { apply: (b, x) => b.emit("Sigmoid", [x]) }],
  ["softsign", { apply: (b, x) => b.emit("Softsign", [x]) }],
  ["softplus", { apply: (b, x) => b.emit("Softplus", [x]) }],
  ["leakyrelu", { alpha: 0.01, apply: (b, x, alpha) => b.emit("LeakyRelu", [x], { alpha }) }],
  ["thresholdedrelu", { alpha: 1, apply: (b, x, alpha) => b.emit("ThresholdedRelu", [x], { alpha }) }],
  ["elu", { alpha: 1, apply: (b, x, alpha) => b.emit("Elu", [x], { alpha }) }],
  ["hardsigmoid", { alpha: 0.2, beta: 0.5, apply: (b, x, alpha, beta) => b.emit("HardSigmoid", [x], { alpha, beta }) }],
  ["affine", { alpha: 1, beta: 0, apply: linear }],
  [
    "scaledtanh",
    {
      alpha: 1,
      beta: 1,
      apply: (b, x, alpha, beta) =>
        b.emit("Mul", [b.emit("Tanh", [b.emit("Mul", [x, scalarOf(b, beta, x)])]), scalarOf(b, alpha, x)]),
    },
  ],
]);

/**
 * The activations of each direction. Parameters are taken from the lists in order, by those activations that have one.
 * @throws MODEL_MALFORMED for an unknown name or a wrong count.
 */
export function activationsOf(
  node: SourceNode,
  directions: number,
  defaults: readonly string[],
): readonly (readonly Activation[])[] {
  const given = textsAttr(node, "activations") ?? [];
  const names = given.length > 0 ? given : Array.from({ length: directions }, () => defaults).flat();
  if (names.length !== directions * defaults.length) {
    throw malformedNode(node, `it names ${names.length} activations; expected ${directions * defaults.length}`);
  }
  const alphas = [...(numbersAttr(node, "activation_alpha") ?? [])];
  const betas = [...(numbersAttr(node, "activation_beta") ?? [])];
  const all = names.map((name): Activation => {
    const named = NAMED.get(name.toLowerCase());
    if (!named)
      throw malformedNode(node, `activation "${name}" is unknown; expected one of ${[...NAMED.keys()].join(", ")}`);
    const alpha = named.alpha === undefined ? 0 : (alphas.shift() ?? named.alpha);
    const beta = named.beta === undefined ? 0 : (betas.shift() ?? named.beta);
    return (b, x) => named.apply(b, x, alpha, beta);
  });
  return Array.from({ length: directions }, (_, direction) =>
    all.slice(direction * defaults.length, (direction + 1) * defaults.length),
  );
}
