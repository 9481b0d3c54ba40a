/** @file Matrix products: shapes, gradients as text, arithmetic, refusals. */
import { describe, expect, test } from "vitest";
import { floats } from "../../contract/op-samples/sample.js";
import { flopsOf, gradientText, refusalOf, typesOf } from "../../support/op-text.js";

describe("MatMul", () => {
  test.each([
    [[2, 3], [3, 4], "float32[2,4]"],
    [[5, 1, 2, 3], [7, 3, 4], "float32[5,7,2,4]"],
    [[3], [3], "float32[]"],
    [[3], [2, 3, 4], "float32[2,4]"],
    [[2, 5, 3], [3], "float32[2,5]"],
    [[2, 0], [0, 3], "float32[2,3]"],
  ])("%j times %j", (a, b, type) => {
    expect(typesOf({ op: "MatMul", inputs: [floats(a), floats(b)] })).toEqual([type]);
  });

  test("a stack times one matrix has two plain products as gradients", () => {
    expect(gradientText({ op: "MatMul", inputs: [floats([4, 8, 3]), floats([3, 5])] })).toMatchInlineSnapshot(`
      "
      Reshape_1_0 = Reshape(dy, {32, 5}) allowzero=0 : float32[32,5]
      Gemm_2_0 = Gemm(Reshape_1_0, x1) alpha=1 beta=1 transA=0 transB=1 : float32[32,3]
      Reshape_3_0 = Reshape(x0, {32, 3}) allowzero=0 : float32[32,3]
      Gemm_4_0 = Gemm(Reshape_3_0, Reshape_1_0) alpha=1 beta=1 transA=1 transB=0 : float32[3,5]
      Reshape_5_0 = Reshape(Gemm_2_0, {4, 8, 3}) allowzero=0 : float32[4,8,3]
      dx0 = Reshape_5_0
      dx1 = Gemm_4_0
      "
    `);
  });

  test("a wide matrix gets the stack transposed before, for the engine would do that for each panel of columns", () => {
    const backward = (inner: number, columns: number): string =>
      gradientText({ op: "MatMul", inputs: [floats([8, inner]), floats([inner, columns])] });
    expect(backward(3, 256)).toMatchInlineSnapshot(`
      "
      Gemm_1_0 = Gemm(dy, x1) alpha=1 beta=1 transA=0 transB=1 : float32[8,3]
      Transpose_2_0 = Transpose(x0) perm=[1,0] : float32[3,8]
      Gemm_3_0 = Gemm(Transpose_2_0, dy) alpha=1 beta=1 transA=0 transB=0 : float32[3,256]
      dx0 = Gemm_1_0
      dx1 = Gemm_3_0
      "
    `);
    expect(backward(3, 255)).toContain("transA=1");
    expect(backward(257, 256)).toContain("transA=1");
  });

  test("stacks have products of stacks", () => {
    expect(gradientText({ op: "MatMul", inputs: [floats([4, 1, 2, 3]), floats([6, 3, 5])] })).toMatchInlineSnapshot(`
      "
      Transpose_1_0 = Transpose(x1) perm=[0,2,1] : float32[6,5,3]
      MatMul_2_0 = MatMul(dy, Transpose_1_0) : float32[4,6,2,3]
      ReduceSum_3_0 = ReduceSum(MatMul_2_0, {1}) keepdims=1 noop_with_empty_axes=0 : float32[4,1,2,3]
      Transpose_4_0 = Transpose(x0) perm=[0,1,3,2] : float32[4,1,3,2]
      MatMul_5_0 = MatMul(Transpose_4_0, dy) : float32[4,6,3,5]
      ReduceSum_6_0 = ReduceSum(MatMul_5_0, {0}) keepdims=1 noop_with_empty_axes=0 : float32[1,6,3,5]
      Reshape_7_0 = Reshape(ReduceSum_6_0, {6, 3, 5}) allowzero=0 : float32[6,3,5]
      dx0 = ReduceSum_3_0
      dx1 = Reshape_7_0
      "
    `);
  });

  test("counts two operations per multiply-add", () => {
    expect(flopsOf({ op: "MatMul", inputs: [floats([4, 8, 3]), floats([3, 5])] })).toBe(2 * 4 * 8 * 3 * 5);
    expect(flopsOf({ op: "MatMul", inputs: [floats([7]), floats([7])] })).toBe(14);
  });

  test.each([
    [
      [2, 3],
      [4, 5],
      "inner sizes differ; got [2,3] times [4,5], expected the last axis of input 0 (3) to equal axis -2 of input 1 (4).",
    ],
    [
      [2, 3],
      [4],
      "inner sizes differ; got [2,3] times [4], expected the last axis of input 0 (3) to equal axis 0 of input 1 (4).",
    ],
    [[], [4, 5], "input 0 is a scalar; expected at least 1 axis."],
    [[2, 2, 3], [3, 3, 2], "shapes [2] and [3] do not broadcast: axis -1 has 2 and 3."],
  ])("%j times %j is refused", (a, b, message) => {
    expect(refusalOf({ op: "MatMul", inputs: [floats(a), floats(b)] })).toBe(`node MatMul_0 (MatMul): ${message}`);
  });
});

describe("Gemm", () => {
  test("a transposed operand gets a transposed gradient", () => {
    const attrs = { transA: 1, transB: 1, alpha: 2, beta: 3 };
    const inputs = [floats([4, 2]), floats([3, 4]), floats([3])];
    expect(gradientText({ op: "Gemm", attrs, inputs })).toMatchInlineSnapshot(`
      "
      Gemm_1_0 = Gemm(x1, dy) alpha=2 beta=1 transA=1 transB=1 : float32[4,2]
      Gemm_2_0 = Gemm(dy, x0) alpha=2 beta=1 transA=1 transB=1 : float32[3,4]
      ReduceSum_3_0 = ReduceSum(dy, {0}) keepdims=1 noop_with_empty_axes=0 : float32[1,3]
      Reshape_4_0 = Reshape(ReduceSum_3_0, {3}) allowzero=0 : float32[3]
      Mul_5_0 = Mul(Reshape_4_0, 3) : float32[3]
      dx0 = Gemm_1_0
      dx1 = Gemm_2_0
      dx2 = Mul_5_0
      "
    `);
    expect(flopsOf({ op: "Gemm", attrs, inputs })).toBe(2 * 2 * 3 * 4);
  });

  test.each([
    [[2, 3, 1], [3, 4], undefined, "input 0 is no matrix; got [2,3,1], expected 2 axes."],
    [[2, 3], [4, 3], undefined, "inner sizes differ; got [2,3] with transA=0 times [4,3] with transB=0, so 3 and 4."],
    [[2, 3], [3, 4], [2], "shapes [2] and [2,4] do not broadcast: axis -1 has 2 and 4."],
    [[2, 3], [3, 4], [1, 2, 4], "input 2 does not broadcast to the product; got [1,2,4], expected [2,4]."],
  ])("%j times %j plus %j is refused", (a, b, c, message) => {
    const inputs = [floats(a), floats(b), c && floats(c)];
    expect(refusalOf({ op: "Gemm", inputs })).toBe(`node Gemm_0 (Gemm): ${message}`);
  });
});

test("Det wants square matrices", () => {
  expect(typesOf({ op: "Det", inputs: [floats([5, 3, 3])] })).toEqual(["float32[5]"]);
  expect(refusalOf({ op: "Det", inputs: [floats([3, 2])] })).toMatchInlineSnapshot(
    `"node Det_0 (Det): input 0 is no square matrix; got [3,2], expected [*,M,M]."`,
  );
});
