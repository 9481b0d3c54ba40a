/**
 * @file Constant folding of elementwise ops, for shape arithmetic. Integers are computed exactly and wrap as in
 * two's complement; floats are computed in double precision and rounded once to the element type.
 */
import type { DType, Literal, LiteralElements, Shape, TensorType } from "../ir/graph.js";
import { allocateElements, elementCount, hasPlainNumbers } from "../ir/literal.js";

type Numeric = Exclude<LiteralElements, readonly string[]>;

/** What one element of the output is, given one element of each input. Undefined: the result is not defined. */
export interface ElementFunction {
  /** For floats; also for the others when `integer` is left out. */
  readonly float: (...x: number[]) => number;
  /** For integers and bool. */
  readonly integer?: (...x: bigint[]) => bigint | undefined;
}

type Fold = (
  x: readonly (Literal | undefined)[],
  attrs: unknown,
  y: readonly TensorType[],
) => readonly Literal[] | undefined;

function isExact(dtype: DType): boolean {
  return dtype.startsWith("int") || dtype.startsWith("uint") || dtype === "bool";
}

function store(elements: Numeric, at: number, value: number | bigint): void {
  if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) elements[at] = BigInt(value);
  else if (typeof value === "number") elements[at] = value;
  else if (elements instanceof Float32Array || elements instanceof Float64Array) elements[at] = Number(value);
  else elements[at] = Number(BigInt.asIntN(32, value));
}

/** Position in a tensor of `shape` of the element that broadcasts to position `at` of a tensor of `full`. */
function broadcastPosition(at: number, full: Shape, shape: Shape): number {
  let position = 0;
  let stride = 1;
  for (let axis = 1; axis <= full.length; axis++) {
    const size = full[full.length - axis]!;
    const own = shape[shape.length - axis] ?? 1;
    const coordinate = at % size;
    at = (at - coordinate) / size;
    if (own !== 1) position += coordinate * stride;
    stride *= own;
  }
  return position;
}

/** Folds an elementwise op whose inputs broadcast to its first output. */
export function foldElements({ float, integer }: ElementFunction): Fold {
  return (x, _attrs, [y]) => {
    const inputs = x.filter((literal) => literal !== undefined);
    if (!y || !hasPlainNumbers(y.dtype) || inputs.length !== x.length) return undefined;
    if (!inputs.every((literal) => hasPlainNumbers(literal.dtype))) return undefined;
    const count = elementCount(y.shape);
    const elements = allocateElements(y.dtype, count);
    const exact = integer !== undefined && inputs.every((literal) => isExact(literal.dtype));
    for (let at = 0; at < count; at++) {
      const arguments_ = inputs.map(
        (literal) => (literal.elements as Numeric)[broadcastPosition(at, y.shape, literal.shape)]!,
      );
      const value = exact ? integer(...arguments_.map(BigInt)) : float(...arguments_.map(Number));
      if (value === undefined || (isExact(y.dtype) && typeof value === "number" && !Number.isInteger(value))) {
        return undefined;
      }
      store(elements, at, value);
    }
    return [{ dtype: y.dtype, shape: y.shape, elements }];
  };
}

/** Folds a comparison: the same function on numbers and on exact integers. */
export function foldTest(test: <T extends number | bigint>(a: T, c: T) => boolean): Fold {
  return foldElements({
    float: (a, c) => Number(test(a!, c!)),
    integer: (a, c) => BigInt(test(a!, c!)),
  });
}
