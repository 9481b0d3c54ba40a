/**
 * @file Matrix products. Gradients write transposes out: the engine's fused kernel (com.microsoft FusedMatMul) takes as
 * long and gives the same bits, and other runtimes lack it.
 */
import { listed } from "../ir/listed.js";
import type { Shape, Value } from "../ir/graph.js";
import { elementCount, literalOf } from "../ir/literal.js";
import { unbroadcast } from "./broadcast.js";
import type { Emitter, NoAttrs, OpDef } from "./define.js";
import { float, int, noAttrs } from "./define.js";
import { reshape, transpose } from "./emission.js";
import { broadcastShapes, formatShape, mismatch, sameShape, typeAt } from "./shape.js";
import { trafficBytes } from "./work.js";

export interface LinalgAttrs {
  MatMul: NoAttrs;
  Det: NoAttrs;
  Gemm: { readonly alpha: number; readonly beta: number; readonly transA: number; readonly transB: number };
}

/** NumPy's view of an operand of a matrix product: 1-d left operands become rows, right operands columns. */
function asMatrix(shape: Shape, side: "left" | "right"): Shape {
  if (shape.length === 0) throw mismatch(`input ${side === "left" ? 0 : 1} is a scalar; expected at least 1 axis.`);
  if (shape.length > 1) return shape;
  return side === "left" ? [1, shape[0]!] : [shape[0]!, 1];
}

function matMulShape(left: Shape, right: Shape): Shape {
  const [a, b] = [asMatrix(left, "left"), asMatrix(right, "right")];
  if (a.at(-1) !== b.at(-2)) {
    throw mismatch(
      `inner sizes differ; got ${formatShape(left)} times ${formatShape(right)}, expected the last axis of input 0 (${a.at(-1)}) to equal axis ${right.length > 1 ? -2 : 0} of input 1 (${b.at(-2)}).`,
    );
  }
  const batch = broadcastShapes(a.slice(0, -2), b.slice(0, -2));
  return [...batch, ...(left.length > 1 ? [a.at(-2)!] : []), ...(right.length > 1 ? [b.at(-1)!] : [])];
}

/** Swaps the last two axes. */
function transposed(b: Emitter, value: Value): Value {
  const axes = [...value.type.shape.keys()];
  const last = axes.length - 1;
  return transpose(b, value, [...axes.slice(0, -2), last, last - 1]);
}

/** Columns from which a product with a transposed left operand is faster when that is transposed before. */
const WIDE_COLUMNS = 256;

/**
 * Operands and attributes of the Gemm that is leftᵀ · right. The engine transposes the left operand again for each
 * panel of columns, so where there are many panels it gets it transposed.
 */
function columnsTimes(b: Emitter, left: Value, right: Value): [readonly Value[], { readonly transA?: 1 }] {
  const [inner, columns] = [left.type.shape[1]!, right.type.shape[1]!];
  if (columns < WIDE_COLUMNS || columns < inner) return [[left, right], { transA: 1 }];
  return [[transposed(b, left), right], {}];
}

/**
 * Gradients of a matrix product whose right operand is one matrix: all batch axes of the left fold into rows, so each
 * gradient is one Gemm.
 */
function gradByRows(b: Emitter, left: Value, right: Value, dy: Value): readonly Value[] {
  const [inner, columns] = right.type.shape as readonly [number, number];
  const rows = elementCount(left.type.shape.slice(0, -1));
  const dyRows = reshape(b, dy, [rows, columns]);
  const dLeft = b.emit("Gemm", [dyRows, right], { transB: 1 });
  const dRight = b.emit("Gemm", ...columnsTimes(b, reshape(b, left, [rows, inner]), dyRows));
  return [reshape(b, dLeft, left.type.shape), dRight];
}

function dimensionsOfGemm(a: Shape, b: Shape, transA: number, transB: number): readonly [number, number, number] {
  for (const [index, shape] of [a, b].entries()) {
    if (shape.length !== 2) throw mismatch(`input ${index} is no matrix; got ${formatShape(shape)}, expected 2 axes.`);
  }
  const [m, k] = (transA ? [a[1]!, a[0]!] : a) as readonly [number, number];
  const [inner, n] = (transB ? [b[1]!, b[0]!] : b) as readonly [number, number];
  if (k !== inner) {
    throw mismatch(
      `inner sizes differ; got ${formatShape(a)} with transA=${transA} times ${formatShape(b)} with transB=${transB}, so ${k} and ${inner}.`,
    );
  }
  return [m, n, k];
}

export const linalg: { readonly [K in keyof LinalgAttrs]: OpDef<K> } = {
  MatMul: {
    attributes: noAttrs,
    infer: (x) => {
      const [a, b] = [typeAt(x, 0), typeAt(x, 1)];
      if (a.dtype !== b.dtype) throw mismatch(`element types differ; got ${a.dtype} and ${b.dtype}.`);
      return [{ dtype: a.dtype, shape: matMulShape(a.shape, b.shape) }];
    },
    work: (x, y) => ({ flops: 2 * elementCount(y[0]!.shape) * x[0]!.shape.at(-1)!, bytes: trafficBytes(x, y) }),
    // y = a·b  =>  da = dy·bᵀ,  db = aᵀ·dy, summed over broadcast batch axes
    grad: (b, { x: [left, right], dy: [dy] }) => {
      const [leftShape, rightShape] = [asMatrix(left!.type.shape, "left"), asMatrix(right!.type.shape, "right")];
      const full = [
        ...broadcastShapes(leftShape.slice(0, -2), rightShape.slice(0, -2)),
        leftShape.at(-2)!,
        rightShape.at(-1)!,
      ];
      const [l, r, d] = [reshape(b, left!, leftShape), reshape(b, right!, rightShape), reshape(b, dy!, full)];
      const grads =
        rightShape.length === 2
          ? gradByRows(b, l, r, d)
          : [
              unbroadcast(b, b.emit("MatMul", [d, transposed(b, r)]), leftShape),
              unbroadcast(b, b.emit("MatMul", [transposed(b, l), d]), rightShape),
            ];
      return [reshape(b, grads[0]!, left!.type.shape), reshape(b, grads[1]!, right!.type.shape)];
    },
  },

  Gemm: {
    attributes: { alpha: float(1), beta: float(1), transA: int(0), transB: int(0) },
    infer: (x, { transA, transB }) => {
      const [a, b] = [typeAt(x, 0), typeAt(x, 1)];
      if (a.dtype !== b.dtype) throw mismatch(`element types differ; got ${a.dtype} and ${b.dtype}.`);
      const [m, n] = dimensionsOfGemm(a.shape, b.shape, transA, transB);
      const c = x[2]?.type.shape;
      if (c && !(c.length <= 2 && sameShape(broadcastShapes(c, [m, n]), [m, n]))) {
        throw mismatch(
          `input 2 does not broadcast to the product; got ${formatShape(c)}, expected ${formatShape([m, n])}.`,
        );
      }
      return [{ dtype: a.dtype, shape: [m, n] }];
    },
    work: (x, y, { transA, transB }) => {
      const [m, n, k] = dimensionsOfGemm(x[0]!.shape, x[1]!.shape, transA, transB);
      return { flops: 2 * m * n * k, bytes: trafficBytes(x, y) };
    },
    // y = α·A·B + β·C  =>  dA = α·dy·Bᵀ,  dB = α·Aᵀ·dy,  dC = β·Σdy; a transposed operand gets a transposed gradient
    grad: (b, { x: [left, right, bias], dy: [dy], attrs: { alpha, beta, transA, transB } }) => {
      const dLeft = transA
        ? b.emit("Gemm", [right, dy], { alpha, transA: transB, transB: 1 })
        : b.emit("Gemm", [dy, right], { alpha, transB: 1 - transB });
      const dRight = transB
        ? b.emit("Gemm", [dy, left], { alpha, transA: 1, transB: transA })
        : b.emit("Gemm", [left, dy], { alpha, transA: 1 - transA });
      if (!bias) return [dLeft, dRight];
      const sum = unbroadcast(b, dy!, bias.type.shape);
      return [dLeft, dRight, beta === 1 ? sum : b.emit("Mul", [sum, b.scalar(beta, sum.type.dtype)])];
    },
  },

  Det: {
    attributes: noAttrs,
    infer: (x) => {
      const { dtype, shape } = typeAt(x, 0);
      if (shape.length < 2 || shape.at(-1) !== shape.at(-2)) {
        throw mismatch(`input 0 is no square matrix; got ${formatShape(shape)}, expected [*,M,M].`);
      }
      return [{ dtype, shape: shape.slice(0, -2) }];
    },
    work: (x, y) => ({ flops: (2 / 3) * elementCount(x[0]!.shape) * x[0]!.shape.at(-1)!, bytes: trafficBytes(x, y) }),
    // The derivative by an element is its cofactor: all minors are gathered and their determinants taken at once.
    grad: (b, { x: [x], dy: [dy] }) => {
      const [batch, size] = [x!.type.shape.slice(0, -2), x!.type.shape.at(-1)!];
      if (size < 2) return [reshape(b, dy!, x!.type.shape)];
      const lines = listed(size, (at) => at);
      const places = lines.flatMap((row) => lines.map((column) => [row, column] as const));
      const minors = places.flatMap(([row, column]) =>
        places.filter(([r, c]) => r !== row && c !== column).map(([r, c]) => r * size + c),
      );
      const flat = reshape(b, x!, [...batch, size * size]);
      const gathered = b.emit("Gather", [flat, b.int64s(minors)], { axis: -1 });
      const determinants = b.emit("Det", [reshape(b, gathered, [...batch, size * size, size - 1, size - 1])]);
      const signs = places.map(([row, column]) => ((row + column) % 2 === 0 ? 1 : -1));
      const cofactors = b.emit("Mul", [determinants, b.literal(literalOf(x!.type.dtype, [size * size], signs))]);
      return [b.emit("Mul", [reshape(b, cofactors, x!.type.shape), reshape(b, dy!, [...batch, 1, 1])])];
    },
  },
};
