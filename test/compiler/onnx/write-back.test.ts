/** @file Trained tensors in their file: only they change, in the form they had. */
import { describe, expect, test } from "vitest";
import { literalOf } from "../../../compiler/ir/literal.js";
import { decodeModel, encodeModel } from "../../../compiler/onnx/codec.js";
import type { TensorProto } from "../../../compiler/onnx/proto.js";
import { bytesFromElements, tensorLiteral } from "../../../compiler/onnx/tensor-data.js";
import { bytesField } from "../../../compiler/onnx/wire.js";
import type { TrainedTensor } from "../../../compiler/onnx/write-back.js";
import { writeBack } from "../../../compiler/onnx/write-back.js";
import { briefNode } from "../../support/proto-model.js";

const floats = (...numbers: readonly number[]): Uint8Array => bytesFromElements(Float32Array.from(numbers));
const trained: TrainedTensor = { type: { dtype: "float32", shape: [2] }, bytes: floats(7, 8) };
const note = bytesField(900, new TextEncoder().encode("kept"));
const node = briefNode({ op: "Add", inputs: ["x", "w"], outputs: ["y"] });

function modelWith(tensor: TensorProto) {
  const graph = {
    name: "g",
    node: [node],
    initializer: [tensor, { dims: [1], data_type: 1, name: "other", raw_data: floats(1) }],
  };
  return encodeModel({
    ir_version: 8,
    producer_name: "someone",
    metadata_props: [{ key: "a", value: "b" }],
    graph,
    $unknowns: [note],
  });
}

/** Names of the fields that are given, without the empty lists that decoding makes. */
function fieldsOf(tensor: TensorProto): readonly string[] {
  return Object.entries(tensor).flatMap(([name, value]) => (Array.isArray(value) && value.length === 0 ? [] : [name]));
}

describe("initializers", () => {
  test.each<[string, TensorProto, readonly string[]]>([
    [
      "raw data stay raw",
      { dims: [2], data_type: 1, name: "w", raw_data: floats(1, 2) },
      ["dims", "data_type", "name", "raw_data"],
    ],
    [
      "float_data stay float_data",
      { dims: [2], data_type: 1, name: "w", $unknowns: [bytesField(4, floats(1, 2))] },
      ["dims", "data_type", "name"],
    ],
  ])("%s", (_what, tensor, fields) => {
    const before = modelWith(tensor);
    const { bytes, external } = writeBack(before, new Map([["w", trained]]));
    const after = decodeModel(bytes);
    const [own, other] = after.graph!.initializer!;
    expect([...(tensorLiteral(own!, "w").elements as Float32Array)]).toEqual([7, 8]);
    expect(fieldsOf(own!)).toEqual(fields);
    expect(other).toEqual(decodeModel(before).graph!.initializer![1]);
    expect(after.$unknowns).toEqual([note]);
    expect(after.metadata_props![0]!.value).toBe("b");
    expect(external).toEqual([]);
  });

  test("external data stay external: the patch says where they go", () => {
    const entries = { location: "w.bin", offset: "4096", length: "8", checksum: "0".repeat(40) };
    const external_data = Object.entries(entries).map(([key, value]) => ({ key, value }));
    const { bytes, external } = writeBack(
      modelWith({ dims: [2], data_type: 1, name: "w", data_location: 1, external_data }),
      new Map([["w", trained]]),
    );
    expect(external).toEqual([{ name: "w", location: "w.bin", offset: 4096, bytes: trained.bytes }]);
    const [own] = decodeModel(bytes).graph!.initializer!;
    expect(own!.external_data!.map(({ key }) => key)).toEqual(["location", "offset", "length"]);
    expect(own!.data_location).toBe(1);
  });

  test("writing the same elements gives the same bytes", () => {
    const model = modelWith({ dims: [2], data_type: 1, name: "w", raw_data: floats(7, 8) });
    expect(writeBack(model, new Map([["w", trained]])).bytes).toEqual(model);
  });
});

describe("weights that are nodes", () => {
  const withNode = (op: string, ir_version = 8) => {
    const value = { tensor: literalOf("float32", op === "Constant" ? [2] : [1], op === "Constant" ? [1, 2] : [0]) };
    const made = briefNode({ op, inputs: op === "Constant" ? [] : ["s"], outputs: ["w"], attrs: { value } });
    return encodeModel({ ir_version, graph: { name: "g", node: [made, node] } });
  };

  test("Constant keeps its node", () => {
    const { graph } = decodeModel(writeBack(withNode("Constant"), new Map([["w", trained]])).bytes);
    expect([...(tensorLiteral(graph!.node![0]!.attribute![0]!.t!, "w").elements as Float32Array)]).toEqual([7, 8]);
  });

  test("a list of numbers stays a list", () => {
    const made = briefNode({ op: "Constant", inputs: [], outputs: ["w"], attrs: { value_floats: { floats: [1, 2] } } });
    const before = encodeModel({ ir_version: 8, graph: { name: "g", node: [made, node] }, $unknowns: [note] });
    const { bytes, external } = writeBack(before, new Map([["w", trained]]));
    const { graph, $unknowns } = decodeModel(bytes);
    expect(graph!.node![0]!.attribute![0]).toMatchObject({ name: "value_floats", floats: [7, 8] });
    expect([graph!.initializer, external, $unknowns]).toEqual([[], [], [note]]);
    const same = writeBack(before, new Map([["w", { ...trained, bytes: floats(1, 2) }]]));
    expect(same.bytes).toEqual(before);
  });

  test("ConstantOfShape becomes an initializer", () => {
    const { graph } = decodeModel(writeBack(withNode("ConstantOfShape"), new Map([["w", trained]])).bytes);
    expect(graph!.node!.map(({ op_type }) => op_type)).toEqual(["Add"]);
    expect(graph!.initializer!.map(({ name }) => name)).toEqual(["w"]);
    expect(graph!.input).toEqual([]);
  });

  test("and an input, in files that list initializers there", () => {
    const { graph } = decodeModel(writeBack(withNode("ConstantOfShape", 3), new Map([["w", trained]])).bytes);
    expect(graph!.input!.map(({ name, type }) => [name, type!.tensor_type!.elem_type])).toEqual([["w", 1]]);
  });
});

test("a parameter without a place in the file is refused", () => {
  const model = modelWith({ dims: [2], data_type: 1, name: "w", raw_data: floats(1, 2) });
  expect(() => writeBack(model, new Map([["loop/0/w", trained]]))).toThrow(
    'parameter "loop/0/w": it is made inside a function or a loop of the model, so the file has no place for its trained value. Save a checkpoint or export the graph instead.',
  );
});
