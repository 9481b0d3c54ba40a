/** @file RotaryEmbedding: pairs of features turned by an angle that depends on the position. Source: ONNX RotaryEmbedding-23. */
import type { Value } from "../../ir/graph.js";
import { literalNumbers } from "../../ir/literal.js";
import type { Decomposition, ImportEmitter } from "../source.js";
import { inputAt, malformedNode, numberAttr } from "../source.js";
import { splitAlong } from "../structural/slices.js";
import { concatenated, shaped } from "./emission.js";

/** Inputs x [batch, heads, sequence, size] or [batch, sequence, heads·size], cosines, sines, positions. */
export const rotary: Decomposition = (b, node) => {
  const given = inputAt(node, 0);
  const { shape } = given.type;
  if (shape.length !== 3 && shape.length !== 4)
    throw malformedNode(node, `input 0 has ${shape.length} axes; expected 3 or 4`);
  const isFlat = shape.length === 3;
  const count = isFlat ? numberAttr(node, "num_heads") : 0;
  if (isFlat && (count < 1 || shape[2]! % count !== 0))
    throw malformedNode(node, `${shape[2]} features do not form ${count} heads`);
  const x = isFlat ? shaped(b, given, [shape[0]!, shape[1]!, count, shape[2]! / count]) : given;
  const size = x.type.shape[3]!;
  const turned = numberAttr(node, "rotary_embedding_dim", 0) || size;
  if (turned < 0 || turned > size || turned % 2 !== 0)
    throw malformedNode(node, `rotary_embedding_dim is ${turned}; expected an even number up to ${size}`);
  const positions = node.inputs[3];
  const known = b.constant(positions);
  const before = known && literalNumbers(known).find((position) => position < 0);
  if (before !== undefined) throw malformedNode(node, `input 3 holds the position ${before}; expected at least 0`);
  if (positions && positions.type.shape.length !== 2)
    throw malformedNode(node, `input 3 has ${positions.type.shape.length} axes; expected [batch,sequence]`);
  const interleaved = numberAttr(node, "interleaved", 0) !== 0;
  const table = (position: number): Value => {
    const cache = inputAt(node, position);
    const rows = positions ? b.emit("Gather", [cache, positions], { axis: 0 }) : cache;
    const wide = b.emit("Unsqueeze", [rows, b.int64s([isFlat ? 2 : 1])]);
    return interleaved ? b.emit("Unsqueeze", [wide, b.int64s([4])]) : wide;
  };
  const [part, rest] = turned === size ? [x] : splitAlong(b, x, 3, [turned, size - turned]);
  const rotated = rotate(b, part!, table(1), table(2), interleaved);
  return [shaped(b, rest ? concatenated(b, [rotated, rest], 3) : rotated, shape)];
};

/** Pairs are neighbours when interleaved, otherwise the same place of both halves. */
function rotate(b: ImportEmitter, x: Value, cos: Value, sin: Value, interleaved: boolean): Value {
  const { shape } = x.type;
  const half = shape[3]! / 2;
  const pairs = interleaved ? shaped(b, x, [...shape.slice(0, 3), half, 2]) : x;
  const axis = interleaved ? 4 : 3;
  const size = interleaved ? 1 : half;
  const [a, c] = splitAlong(b, pairs, axis, [size, size]) as readonly [Value, Value];
  const real = b.emit("Sub", [b.emit("Mul", [cos, a]), b.emit("Mul", [sin, c])]);
  const imaginary = b.emit("Add", [b.emit("Mul", [sin, a]), b.emit("Mul", [cos, c])]);
  return shaped(b, concatenated(b, [real, imaginary], axis), shape);
}
