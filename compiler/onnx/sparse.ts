/** @file Sparse tensors, made dense. */
import { PipewrightError } from "../errors.js";
import type { Literal } from "../ir/graph.js";
import { allocateElements, elementBytes, elementCount, literalNumbers } from "../ir/literal.js";
import { trainingLiteral } from "./precision.js";
import { numberOf } from "./proto.js";
import type { SparseTensorProto } from "./proto.js";
import { bytesFromElements, tensorBytes, tensorLiteral, tensorType } from "./tensor-data.js";

/** Dense elements above which a sparse tensor is refused: 64 Mi. */
const MOST_ELEMENTS = 2 ** 26;

/** A sparse tensor as a dense literal. @throws MODEL_MALFORMED when indices lie outside or parts are missing. */
export function sparseLiteral(sparse: SparseTensorProto, where: string): Literal {
  const { values, indices } = sparse;
  if (!values || !indices) throw malformedSparse(where, "it has no values or no indices");
  const shape = sparse.dims.map(numberOf);
  const count = elementCount(shape);
  if (shape.some((size) => size < 0) || count > MOST_ELEMENTS)
    throw malformedSparse(where, `its shape [${shape.join(",")}] is too large`);
  const { dtype } = tensorType(values, where);
  if (dtype === "string") throw malformedSparse(where, "it holds strings");
  const positions = flatPositions(tensorLiteral(indices, where), shape, where);
  const bytes = elementBytes(dtype);
  const given = tensorBytes(values, where);
  if (given.length !== positions.length * bytes)
    throw malformedSparse(where, "it has more or fewer values than indices");
  const elements = allocateElements(dtype, count);
  const memory = bytesFromElements(elements);
  for (const [at, position] of positions.entries()) {
    if (at > 0 && position <= positions[at - 1]!)
      throw malformedSparse(
        where,
        `index ${position} follows ${positions[at - 1]}; expected ascending ones, each once`,
      );
    memory.set(given.subarray(at * bytes, (at + 1) * bytes), position * bytes);
  }
  return trainingLiteral({ dtype, shape, elements });
}

/** Indices are flat positions [n], or coordinates [n, axes]. */
function flatPositions(indices: Literal, shape: readonly number[], where: string): readonly number[] {
  const numbers = literalNumbers(indices);
  const axes = indices.shape.length === 2 ? indices.shape[1]! : 1;
  if (axes !== 1 && axes !== shape.length) throw malformedSparse(where, `its indices have ${axes} coordinates`);
  const sizes = axes === 1 && shape.length !== 1 ? [elementCount(shape)] : shape;
  return Array.from({ length: axes === 0 ? 0 : numbers.length / axes }, (_, entry) => {
    let position = 0;
    for (const [axis, size] of sizes.entries()) {
      const coordinate = numbers[entry * axes + axis]!;
      if (coordinate < 0 || coordinate >= size)
        throw malformedSparse(where, `index ${coordinate} lies outside axis ${axis}`);
      position = position * size + coordinate;
    }
    return position;
  });
}

function malformedSparse(where: string, what: string): PipewrightError {
  return new PipewrightError("MODEL_MALFORMED", `${where}: sparse tensor: ${what}.`, { where });
}
