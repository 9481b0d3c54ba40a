/**
 * @file Einsum as Transpose, Reshape, MatMul, Mul and ReduceSum: operands are taken in from left to right.
 *
 * For each pair, labels fall into four groups: batch (in both and needed later), contracted (in both, not needed
 * later), and those of one side. With contracted labels the pair is one batched MatMul, otherwise one Mul.
 */
import { listed } from "../../ir/listed.js";
import type { Value } from "../../ir/graph.js";
import type { Decomposition, ImportEmitter, SourceNode } from "../source.js";
import { inputAt, malformedNode, textAttr } from "../source.js";
import { permuted, shaped } from "./emission.js";

/** A tensor whose axes have labels, all different. */
interface Labelled {
  readonly x: Value;
  readonly labels: readonly string[];
}

interface Equation {
  /** Labels of each operand; those of an ellipsis are "0", "1", … counted from the right. */
  readonly operands: readonly (readonly string[])[];
  readonly output: readonly string[];
}

export const einsum: Decomposition = (b, node) => {
  const inputs = node.inputs.map((_, position) => inputAt(node, position));
  const equation = parse(node, inputs);
  checkSizes(node, inputs, equation);
  const operands = inputs.map((x, position) => diagonals(b, { x, labels: equation.operands[position]! }));
  let all: Labelled | undefined;
  for (const [position, operand] of operands.entries()) {
    const later = new Set([...equation.output, ...operands.slice(position + 1).flatMap(({ labels }) => labels)]);
    const own = summed(b, operand, (label) => later.has(label) || (all?.labels.includes(label) ?? false));
    const before = all && summed(b, all, (label) => later.has(label) || own.labels.includes(label));
    all = before ? combined(b, before, own, later) : own;
  }
  const last = summed(b, all!, (label) => equation.output.includes(label));
  return [
    permuted(
      b,
      last.x,
      equation.output.map((label) => last.labels.indexOf(label)),
    ),
  ];
};

/** @throws MODEL_MALFORMED when the equation does not fit the operands. */
function parse(node: SourceNode, inputs: readonly Value[]): Equation {
  const equation = textAttr(node, "equation", "").replaceAll(" ", "");
  const [left, right, ...more] = equation.split("->");
  const terms = left!.split(",");
  if (more.length > 0 || terms.length !== inputs.length) {
    throw malformedNode(node, `equation "${equation}" has ${terms.length} terms for ${inputs.length} inputs`);
  }
  let widest = 0;
  const operands = terms.map((term, position) => {
    const letters = lettersOf(node, term);
    const rank = inputs[position]!.type.shape.length;
    const hidden = rank - (letters.length - (letters.includes("...") ? 1 : 0));
    if (hidden < 0 || (hidden > 0 && !letters.includes("..."))) {
      throw malformedNode(node, `term "${term}" does not fit input ${position} of ${rank} axes`);
    }
    widest = Math.max(widest, hidden);
    return letters.flatMap((letter) => (letter === "..." ? ellipsis(hidden) : [letter]));
  });
  const output = (right === undefined ? implied(operands, left!.includes("...")) : lettersOf(node, right)).flatMap(
    (letter) => (letter === "..." ? ellipsis(widest) : [letter]),
  );
  const known = new Set(operands.flat());
  if (new Set(output).size !== output.length || output.some((label) => !known.has(label))) {
    throw malformedNode(node, `the result of equation "${equation}" repeats a label or has one that no term has`);
  }
  return { operands, output };
}

function lettersOf(node: SourceNode, term: string): readonly string[] {
  const letters = term.match(/\.\.\.|[A-Za-z]/g) ?? [];
  if (letters.join("") !== term || letters.filter((letter) => letter === "...").length > 1) {
    throw malformedNode(node, `term "${term}" of its equation is malformed`);
  }
  return letters;
}

/** Labels of the axes that an ellipsis stands for, outermost first. */
function ellipsis(count: number): readonly string[] {
  return listed(count, (position) => String(count - 1 - position));
}

/** Without "->": the ellipsis, then the letters that occur once, in alphabetical order. */
function implied(operands: readonly (readonly string[])[], hasEllipsis: boolean): readonly string[] {
  const letters = operands.flat().filter((label) => !/\d/.test(label));
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).sort();
  return hasEllipsis ? ["...", ...once] : once;
}

function checkSizes(node: SourceNode, inputs: readonly Value[], { operands }: Equation): void {
  const sizes = new Map<string, number>();
  for (const [position, labels] of operands.entries()) {
    for (const [axis, label] of labels.entries()) {
      const size = inputs[position]!.type.shape[axis]!;
      const known = sizes.get(label) ?? 1;
      if (size !== known && size !== 1 && known !== 1) {
        throw malformedNode(node, `axis "${label}" of its equation has the sizes ${known} and ${size}`);
      }
      sizes.set(label, known === 1 ? size : known);
    }
  }
}

/** Replaces two axes of one label by their diagonal, until no label repeats. */
function diagonals(b: ImportEmitter, { x, labels }: Labelled): Labelled {
  const second = labels.findIndex((label, axis) => labels.indexOf(label) < axis);
  if (second < 0) return { x, labels };
  const first = labels.indexOf(labels[second]!);
  const rest = labels.flatMap((_, axis) => (axis === first || axis === second ? [] : [axis]));
  const size = x.type.shape[first]!;
  const restShape = rest.map((axis) => x.type.shape[axis]!);
  const flat = shaped(b, permuted(b, x, [...rest, first, second]), [...restShape, size * x.type.shape[second]!]);
  const positions = b.int64s(listed(size, (at) => at * (size + 1)));
  const diagonal = b.emit("Gather", [flat, positions], { axis: rest.length });
  return diagonals(b, { x: diagonal, labels: [...rest.map((axis) => labels[axis]!), labels[second]!] });
}

/** Sums over the axes whose labels nothing needs. */
function summed(b: ImportEmitter, { x, labels }: Labelled, isNeeded: (label: string) => boolean): Labelled {
  const axes = labels.flatMap((label, axis) => (isNeeded(label) ? [] : [axis]));
  if (axes.length === 0) return { x, labels };
  return { x: b.emit("ReduceSum", [x, b.int64s(axes)], { keepdims: 0 }), labels: labels.filter(isNeeded) };
}

function combined(b: ImportEmitter, left: Labelled, right: Labelled, later: ReadonlySet<string>): Labelled {
  const [a, c] = [withoutStretched(b, left, right), withoutStretched(b, right, left)];
  const shared = a.labels.filter((label) => c.labels.includes(label));
  const batch = shared.filter((label) => later.has(label));
  const contracted = shared.filter((label) => !later.has(label));
  const onlyA = a.labels.filter((label) => !shared.includes(label));
  const onlyC = c.labels.filter((label) => !shared.includes(label));
  const labels = [...batch, ...onlyA, ...onlyC];
  const sizes = (operand: Labelled, own: readonly string[]) =>
    own.map((label) => operand.x.type.shape[operand.labels.indexOf(label)]!);
  const product = (numbers: readonly number[]) => numbers.reduce((all, size) => all * size, 1);
  const ordered = (operand: Labelled, own: readonly string[]) =>
    permuted(
      b,
      operand.x,
      own.map((label) => operand.labels.indexOf(label)),
    );
  const [batchSizes, aSizes, cSizes] = [sizes(a, batch), sizes(a, onlyA), sizes(c, onlyC)];
  if (contracted.length === 0) {
    const ones = onlyC.map(() => 1);
    const wide = shaped(b, ordered(a, [...batch, ...onlyA]), [...batchSizes, ...aSizes, ...ones]);
    const tall = shaped(b, ordered(c, [...batch, ...onlyC]), [...batchSizes, ...aSizes.map(() => 1), ...cSizes]);
    return { x: b.emit("Mul", [wide, tall]), labels };
  }
  const depth = product(sizes(a, contracted));
  const rows = shaped(b, ordered(a, [...batch, ...onlyA, ...contracted]), [...batchSizes, product(aSizes), depth]);
  const columns = shaped(b, ordered(c, [...batch, ...contracted, ...onlyC]), [...batchSizes, depth, product(cSizes)]);
  return { x: shaped(b, b.emit("MatMul", [rows, columns]), [...batchSizes, ...aSizes, ...cSizes]), labels };
}

/** Without the axes of size 1 that the other operand has with another size: broadcasting stretches them. */
function withoutStretched(b: ImportEmitter, own: Labelled, other: Labelled): Labelled {
  const stays = own.labels.map((label, axis) => {
    const at = other.labels.indexOf(label);
    return at < 0 || own.x.type.shape[axis] !== 1 || other.x.type.shape[at] === 1;
  });
  if (!stays.includes(false)) return own;
  return {
    x: shaped(
      b,
      own.x,
      own.x.type.shape.filter((_, axis) => stays[axis]),
    ),
    labels: own.labels.filter((_, axis) => stays[axis]),
  };
}
