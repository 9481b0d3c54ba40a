/**
 * @file RNN, GRU and LSTM unrolled over the sequence, which has a static length.
 *
 * All steps share one MatMul for the inputs; each step adds one for the state. Tensors of a step keep the sequence axis
 * with size 1, so that steps are put together by one Concat. Samples that are shorter than the sequence keep their
 * state and give zeros beyond their length.
 * Source: ONNX RNN-14, GRU-14, LSTM-14.
 */
import { listed } from "../../ir/listed.js";
import type { Value } from "../../ir/graph.js";
import type { Decomposition, ImportEmitter, SourceNode } from "../source.js";
import { inputAt, malformedNode, numberAttr, textAttr } from "../source.js";
import { literalNumbers } from "../../ir/literal.js";
import { formatShape, sameShape } from "../../ops/shape.js";
import { splitAlong } from "../structural/slices.js";
import type { Cell } from "./cells.js";
import { gruCell, lstmCell, rnnCell } from "./cells.js";
import { concatenated, expanded, permuted, scalarOf, shaped } from "./emission.js";
import { activationsOf } from "./recurrent-activation.js";

/** What is asked of a cell type: how many gates, states and activations it has, and where its inputs are. */
interface CellType {
  readonly gates: number;
  readonly states: number;
  readonly activations: readonly string[];
  /** Position of the peepholes among the inputs. */
  readonly peepholes?: number;
  readonly cell: Cell;
}

const TYPES: Readonly<Record<"RNN" | "GRU" | "LSTM", CellType>> = {
  RNN: { gates: 1, states: 1, activations: ["Tanh"], cell: rnnCell },
  GRU: { gates: 3, states: 1, activations: ["Sigmoid", "Tanh"], cell: gruCell },
  LSTM: { gates: 4, states: 2, activations: ["Sigmoid", "Tanh", "Tanh"], peepholes: 7, cell: lstmCell },
};

/** What the directions share. */
interface Sequence {
  /** [steps, batch, features]. */
  readonly x: Value;
  readonly steps: number;
  readonly batch: number;
  readonly hidden: number;
  readonly directions: number;
  /** Per step, [1, batch, 1]: true for samples that are that long. Undefined when all are as long as the sequence. */
  readonly isLive: readonly Value[] | undefined;
}

function recurrent(kind: keyof typeof TYPES): Decomposition {
  const type = TYPES[kind];
  return (b, node) => {
    const batchFirst = numberAttr(node, "layout", 0) === 1;
    const sequence = sequenceOf(b, node, type, batchFirst);
    const activations = activationsOf(node, sequence.directions, type.activations);
    const runs = activations.map((own, direction) => {
      const backward = textAttr(node, "direction", "forward") === "reverse" || direction === 1;
      return runDirection(b, node, type, sequence, direction, backward, own, batchFirst);
    });
    const y = concatenated(
      b,
      runs.map((run) => b.emit("Unsqueeze", [concatenated(b, run.outputs, 0), b.int64s([1])])),
      1,
    );
    const states = Array.from({ length: type.states }, (_, state) =>
      concatenated(
        b,
        runs.map((run) => run.states[state]!),
        0,
      ),
    );
    if (!batchFirst) return [y, ...states];
    return [permuted(b, y, [2, 0, 1, 3]), ...states.map((state) => permuted(b, state, [1, 0, 2]))];
  };
}

function sequenceOf(b: ImportEmitter, node: SourceNode, type: CellType, batchFirst: boolean): Sequence {
  const given = inputAt(node, 0);
  const direction = textAttr(node, "direction", "forward");
  const directions = direction === "bidirectional" ? 2 : 1;
  if (!["forward", "reverse", "bidirectional"].includes(direction)) {
    throw malformedNode(node, `attribute "direction" is unknown; got ${JSON.stringify(direction)}`);
  }
  const [weights, recurrence] = [inputAt(node, 1).type.shape, inputAt(node, 2).type.shape];
  const hidden = recurrence[2] ?? 0;
  const stated = numberAttr(node, "hidden_size", hidden);
  if (stated !== hidden)
    throw malformedNode(node, `attribute "hidden_size" is wrong; got ${stated}, expected ${hidden} as in its weights`);
  const features = given.type.shape[2];
  const rows = type.gates * hidden;
  const isWrong = (shape: readonly number[], columns: number | undefined): boolean =>
    shape.length !== 3 || shape[0] !== directions || shape[1] !== rows || shape[2] !== columns;
  if (given.type.shape.length !== 3 || isWrong(weights, features) || isWrong(recurrence, hidden)) {
    throw malformedNode(
      node,
      `input [${given.type.shape.join(",")}], weights [${weights.join(",")}] and recurrence [${recurrence.join(",")}] do not fit together`,
    );
  }
  const x = batchFirst ? permuted(b, given, [1, 0, 2]) : given;
  const [steps, batch] = x.type.shape as readonly [number, number];
  if (steps === 0) throw malformedNode(node, "the sequence has no steps");
  b.expectNodes(steps * directions);
  for (let state = 0; state < type.states; state++) {
    const own = node.inputs[5 + state]?.type.shape;
    const expected = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
    if (own && !sameShape(own, expected))
      throw malformedNode(
        node,
        `input ${5 + state} is wrong; got ${formatShape(own)}, expected ${formatShape(expected)}`,
      );
  }
  checkLengths(b, node, steps, batch);
  return { x, steps, batch, hidden, directions, isLive: liveSteps(b, node.inputs[4], steps, batch) };
}

/** @throws MODEL_MALFORMED unless there is a length for each sample, and none is known to pass the sequence. */
function checkLengths(b: ImportEmitter, node: SourceNode, steps: number, batch: number): void {
  const lengths = node.inputs[4];
  if (!lengths) return;
  if (!sameShape(lengths.type.shape, [batch]))
    throw malformedNode(node, `input 4 is wrong; got ${formatShape(lengths.type.shape)}, expected [${batch}]`);
  const known = b.constant(lengths);
  const outside = known && literalNumbers(known).find((length) => length < 0 || length > steps);
  if (outside !== undefined)
    throw malformedNode(node, `input 4 holds the length ${outside}; expected 0 to ${steps}, the steps of the sequence`);
}

function liveSteps(
  b: ImportEmitter,
  lengths: Value | undefined,
  steps: number,
  batch: number,
): readonly Value[] | undefined {
  if (!lengths) return undefined;
  const known = b.constant(lengths);
  if (known && literalNumbers(known).every((length) => length >= steps)) return undefined;
  const column = shaped(b, lengths, [1, batch, 1]);
  return listed(steps, (step) => b.emit("Less", [scalarOf(b, step, column), column]));
}

function runDirection(
  b: ImportEmitter,
  node: SourceNode,
  type: CellType,
  { x, steps, batch, hidden, directions, isLive }: Sequence,
  direction: number,
  backward: boolean,
  activations: Parameters<Cell>[1]["activations"],
  batchFirst: boolean,
): { readonly outputs: readonly Value[]; readonly states: readonly Value[] } {
  const part = (position: number): Value | undefined => {
    const value = node.inputs[position];
    return (
      value &&
      splitAlong(
        b,
        value,
        0,
        listed(directions, () => 1),
      )[direction]!
    );
  };
  const matrix = (position: number): Value => {
    const own = part(position)!;
    return permuted(b, shaped(b, own, own.type.shape.slice(1)), [1, 0]);
  };
  const zero = expanded(b, shaped(b, scalarOf(b, 0, x), [1, 1, 1]), [1, batch, hidden]);
  const initial = (position: number): Value => {
    const value = node.inputs[position];
    if (!value) return zero;
    const all = batchFirst ? permuted(b, value, [1, 0, 2]) : value;
    return splitAlong(
      b,
      all,
      0,
      listed(directions, () => 1),
    )[direction]!;
  };
  const bias = part(3);
  const [inputBias, stateBias] = bias ? splitAlong(b, bias, 1, [type.gates * hidden, type.gates * hidden]) : [];
  const step = type.cell(b, {
    node,
    hidden,
    activations,
    recurrence: matrix(2),
    inputBias,
    stateBias,
    peepholes: type.peepholes === undefined ? undefined : part(type.peepholes),
  });
  const inputs = splitAlong(
    b,
    step.projected(b.emit("MatMul", [x, matrix(1)])),
    0,
    listed(steps, () => 1),
  );
  let states: readonly Value[] = Array.from({ length: type.states }, (_, state) => initial(5 + state));
  const outputs = new Array<Value>(steps);
  for (let count = 0; count < steps; count++) {
    const at = backward ? steps - 1 - count : count;
    const next = step.next(inputs[at]!, states);
    const live = isLive?.[at];
    states = live ? next.map((value, state) => b.emit("Where", [live, value, states[state]!])) : next;
    outputs[at] = live ? b.emit("Where", [live, next[0]!, zero]) : next[0]!;
  }
  return { outputs, states };
}

export const recurrentOps: Readonly<Record<string, Decomposition>> = {
  RNN: recurrent("RNN"),
  GRU: recurrent("GRU"),
  LSTM: recurrent("LSTM"),
};
