/** @file Quantisation as arithmetic gives what ONNX Runtime's own operators give, up to where rounding decides. */
import { afterAll, describe, expect, it } from "vitest";
import { encodeModel } from "../../../compiler/onnx/codec.js";
import type { AttributeProto, TensorProto } from "../../../compiler/onnx/proto.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { importDifference } from "../../support/import-oracle.js";

const engine = createOrtEngine();
afterAll(() => engine.close());

const CODES = { float32: 1, uint8: 2, int8: 3, int32: 6 } as const;
type Element = keyof typeof CODES;

function tensor(name: string, element: Element, dims: readonly number[], numbers: readonly number[]): TensorProto {
  const arrays = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array, int32: Int32Array };
  return { name, data_type: CODES[element], dims, raw_data: new Uint8Array(arrays[element].from(numbers).buffer) };
}

/** A model of one node that reads x of `shape` and initializers. */
function model(
  op: string,
  x: { readonly element: Element; readonly shape: readonly number[] },
  initializer: readonly TensorProto[],
  outputs: readonly string[],
  attribute: readonly AttributeProto[] = [],
): Uint8Array {
  const dim = x.shape.map((size) => ({ dim_value: size }));
  return encodeModel({
    ir_version: 10,
    opset_import: [{ domain: "", version: 21 }],
    graph: {
      name: op,
      node: [{ op_type: op, input: ["x", ...initializer.map(({ name }) => name!)], output: outputs, attribute }],
      input: [{ name: "x", type: { tensor_type: { elem_type: CODES[x.element], shape: { dim } } } }],
      output: outputs.map((name) => ({ name })),
      initializer,
    },
  });
}

const axis = (i: number): AttributeProto => ({ name: "axis", type: 2, i });
const blocks = (i: number): AttributeProto => ({ name: "block_size", type: 2, i });
const floats = { element: "float32", shape: [2, 3, 4] } as const;
const bytes = { element: "int8", shape: [2, 3, 4] } as const;

describe("quantisation", () => {
  it.each([
    [
      "of all",
      model("QuantizeLinear", floats, [tensor("s", "float32", [], [0.013]), tensor("z", "uint8", [], [100])], ["y"]),
    ],
    [
      "per slice",
      model(
        "QuantizeLinear",
        floats,
        [tensor("s", "float32", [3], [0.02, 0.003, 0.1]), tensor("z", "int8", [3], [1, -3, 5])],
        ["y"],
        [axis(1)],
      ),
    ],
    [
      "back, of all",
      model("DequantizeLinear", bytes, [tensor("s", "float32", [], [0.5]), tensor("z", "int8", [], [-3])], ["y"]),
    ],
    [
      "back, per slice",
      model(
        "DequantizeLinear",
        bytes,
        [tensor("s", "float32", [4], [1, 2, 3, 0.1]), tensor("z", "int8", [4], [0, 1, 2, 3])],
        ["y"],
        [axis(-1)],
      ),
    ],
    [
      "back, without zero point",
      model("DequantizeLinear", { element: "int32", shape: [5] }, [tensor("s", "float32", [], [0.25])], ["y"]),
    ],
    [
      "back, of blocks",
      model(
        "DequantizeLinear",
        { element: "int8", shape: [2, 4] },
        [tensor("s", "float32", [2, 2], [1, 2, 3, 4])],
        ["y"],
        [axis(1), blocks(2)],
      ),
    ],
    ["by range", model("DynamicQuantizeLinear", floats, [], ["y", "scale", "zero"])],
    [
      "of products",
      model(
        "MatMulInteger",
        { element: "uint8", shape: [2, 3] },
        [
          tensor("w", "int8", [3, 2], [1, -2, 3, 4, -5, 6]),
          tensor("a", "uint8", [], [1]),
          tensor("c", "int8", [], [2]),
        ],
        ["y"],
      ),
    ],
  ])("%s", (_, bytes) => {
    expect(importDifference(engine, bytes)).toBeUndefined();
  });
});
