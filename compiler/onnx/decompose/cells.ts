/** @file One step of RNN, GRU and LSTM. Gates of all kinds lie side by side on the last axis: [1, batch, gates·hidden]. */
import type { Value } from "../../ir/graph.js";
import type { ImportEmitter, SourceNode } from "../source.js";
import { numberAttr } from "../source.js";
import { splitAlong } from "../structural/slices.js";
import { scalarOf, sliced } from "./emission.js";
import type { Activation } from "./recurrent-activation.js";

/** The weights of one direction, without the direction axis except where said. */
export interface CellWeights {
  readonly node: SourceNode;
  readonly hidden: number;
  readonly activations: readonly Activation[];
  /** [hidden, gates·hidden]. */
  readonly recurrence: Value;
  /** [1, gates·hidden]. */
  readonly inputBias: Value | undefined;
  readonly stateBias: Value | undefined;
  /** [1, 3·hidden]: input, output, forget. */
  readonly peepholes: Value | undefined;
}

/** Steps of one direction. */
export interface Steps {
  /** What the inputs of all steps contribute to the gates, from their product with the weights. */
  readonly projected: (product: Value) => Value;
  /** The states after a step, from its projected input and the states before. State 0 is the output. */
  readonly next: (input: Value, states: readonly Value[]) => readonly Value[];
}

export type Cell = (b: ImportEmitter, weights: CellWeights) => Steps;

const plus = (b: ImportEmitter, x: Value, bias: Value | undefined): Value => (bias ? b.emit("Add", [x, bias]) : x);

/** The clip attribute bounds what goes into activations. */
function clipper(b: ImportEmitter, node: SourceNode): (x: Value) => Value {
  if (!node.attrs.has("clip")) return (x) => x;
  const bound = numberAttr(node, "clip");
  return (x) => b.emit("Clip", [x, scalarOf(b, -bound, x), scalarOf(b, bound, x)]);
}

/** H = f(X·Wᵀ + H·Rᵀ + Wb + Rb). */
export const rnnCell: Cell = (b, { node, activations, recurrence, inputBias, stateBias }) => {
  const clip = clipper(b, node);
  return {
    projected: (product) => plus(b, plus(b, product, inputBias), stateBias),
    next: (input, [h]) => [activations[0]!(b, clip(b.emit("Add", [input, b.emit("MatMul", [h, recurrence])])))],
  };
};

/**
 * Gates update, reset, hidden:
 * z = f(X·Wz + H·Rz), r = f(X·Wr + H·Rr), h = g(X·Wh + (r∘H)·Rh), or g(X·Wh + r∘(H·Rh + Rbh)) with
 * linear_before_reset; H = (1 − z)∘h + z∘H.
 */
export const gruCell: Cell = (b, { node, hidden, activations, recurrence, inputBias, stateBias }) => {
  const clip = clipper(b, node);
  const [f, g] = activations as readonly [Activation, Activation];
  const linearFirst = numberAttr(node, "linear_before_reset", 0) !== 0;
  const gates = sliced(b, recurrence, 1, 0, 2 * hidden);
  const candidate = sliced(b, recurrence, 1, 2 * hidden, 3 * hidden);
  const gateBias = stateBias && sliced(b, stateBias, 1, 0, 2 * hidden);
  const candidateBias = stateBias && sliced(b, stateBias, 1, 2 * hidden, 3 * hidden);
  return {
    projected: (product) => plus(b, product, inputBias),
    next: (input, [h]) => {
      const [inputGates, inputCandidate] = splitAlong(b, input, 2, [2 * hidden, hidden]) as readonly [Value, Value];
      const sum = b.emit("Add", [inputGates, plus(b, b.emit("MatMul", [h, gates]), gateBias)]);
      const [z, r] = splitAlong(b, f(b, clip(sum)), 2, [hidden, hidden]) as readonly [Value, Value];
      const fromState = linearFirst
        ? b.emit("Mul", [r, plus(b, b.emit("MatMul", [h, candidate]), candidateBias)])
        : plus(b, b.emit("MatMul", [b.emit("Mul", [r, h]), candidate]), candidateBias);
      const next = g(b, clip(b.emit("Add", [inputCandidate, fromState])));
      const rest = b.emit("Sub", [scalarOf(b, 1, z), z]);
      return [b.emit("Add", [b.emit("Mul", [rest, next]), b.emit("Mul", [z, h])])];
    },
  };
};

/**
 * Gates input, output, forget, cell:
 * i = f(X·Wi + H·Ri + Pi∘C), f = f(X·Wf + H·Rf + Pf∘C) or 1 − i with input_forget, c = g(X·Wc + H·Rc),
 * C = f∘C + i∘c, o = f(X·Wo + H·Ro + Po∘C), H = o∘h(C).
 */
export const lstmCell: Cell = (b, { node, hidden, activations, recurrence, inputBias, stateBias, peepholes }) => {
  const clip = clipper(b, node);
  const [f, g, h] = activations as readonly [Activation, Activation, Activation];
  const coupled = numberAttr(node, "input_forget", 0) !== 0;
  const [peepInput, peepOutput, peepForget] = peepholes ? splitAlong(b, peepholes, 1, [hidden, hidden, hidden]) : [];
  const gate = (x: Value, peephole: Value | undefined, c: Value): Value =>
    f(b, clip(peephole ? b.emit("Add", [x, b.emit("Mul", [peephole, c])]) : x));
  return {
    projected: (product) => plus(b, plus(b, product, inputBias), stateBias),
    next: (input, [before, c]) => {
      const sum = b.emit("Add", [input, b.emit("MatMul", [before, recurrence])]);
      const [si, so, sf, sc] = splitAlong(b, sum, 2, [hidden, hidden, hidden, hidden]) as readonly Value[];
      const i = gate(si!, peepInput, c!);
      const forget = coupled ? b.emit("Sub", [scalarOf(b, 1, i), i]) : gate(sf!, peepForget, c!);
      const next = b.emit("Add", [b.emit("Mul", [forget, c]), b.emit("Mul", [i, g(b, clip(sc!))])]);
      const o = gate(so!, peepOutput, next);
      return [b.emit("Mul", [o, h(b, next)]), next];
    },
  };
};
