/** @file The codec against onnx-proto, an independent decoder, and against itself. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import onnxProto from "onnx-proto";
import { describe, expect, test } from "vitest";
import { decodeModel, encodeModel } from "../../../compiler/onnx/codec.js";
import type { GraphProto } from "../../../compiler/onnx/proto.js";
import { numberOf } from "../../../compiler/onnx/proto.js";
import { tensorLiteral } from "../../../compiler/onnx/tensor-data.js";
import { bytesField } from "../../../compiler/onnx/wire.js";

const FOLDER = fileURLToPath(new URL("../../../fixtures/reference/models/", import.meta.url));
const models = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({ name, bytes: new Uint8Array(readFileSync(`${FOLDER}${name}/model.onnx`)) }));

/** What both decoders agree to say of a graph. */
function summary(graph: GraphProto): object {
  return {
    nodes: graph.node!.map(({ op_type, name, input, output, attribute }) => ({
      op: op_type,
      name,
      input,
      output,
      attributes: attribute!.map((own) => [
        own.name,
        own.type,
        own.ints!.map(numberOf),
        own.floats,
        own.i && numberOf(own.i),
      ]),
    })),
    initializers: graph.initializer!.map(({ name, dims, data_type, raw_data }) => [
      name,
      dims.map(numberOf),
      data_type,
      raw_data!.length,
    ]),
    inputs: graph.input!.map(({ name, type }) => [name, type?.tensor_type?.elem_type]),
  };
}

/** The same, from onnx-proto. */
function oracle(bytes: Uint8Array): object {
  const graph = onnxProto.onnx.ModelProto.decode(bytes).graph!;
  return {
    nodes: graph.node!.map(({ opType, name, input, output, attribute }) => ({
      op: opType,
      name,
      input,
      output,
      attributes: attribute!.map((own) => [
        own.name,
        own.type,
        own.ints!.map(Number),
        own.floats,
        own.i && Number(own.i),
      ]),
    })),
    initializers: graph.initializer!.map(({ name, dims, dataType, rawData }) => [
      name,
      dims!.map(Number),
      dataType,
      rawData!.length,
    ]),
    inputs: graph.input!.map(({ name, type }) => [name, type?.tensorType?.elemType]),
  };
}

describe.each(models)("$name", ({ bytes }) => {
  test("decodes as onnx-proto does", () => {
    expect(JSON.stringify(summary(decodeModel(bytes).graph!))).toBe(JSON.stringify(oracle(bytes)));
  });

  test("comes back byte for byte", () => {
    expect(Buffer.compare(encodeModel(decodeModel(bytes)), bytes)).toBe(0);
  });
});

test("tensor data are views of the file", () => {
  const { bytes } = models.find(({ name }) => name === "mlp")!;
  const [tensor] = decodeModel(bytes).graph!.initializer!;
  expect(tensor!.raw_data!.buffer).toBe(bytes.buffer);
});

test("unknown fields survive in every message", () => {
  const stranger = bytesField(777, new TextEncoder().encode("from the future"));
  const graph = { name: "g", node: [{ op_type: "Relu", input: ["x"], output: ["y"], $unknowns: [stranger] }] };
  const bytes = encodeModel({ ir_version: 13, graph: { ...graph, $unknowns: [stranger] }, $unknowns: [stranger] });
  const model = decodeModel(bytes);
  expect(model.$unknowns).toEqual([stranger]);
  expect(model.graph!.$unknowns).toEqual([stranger]);
  expect(model.graph!.node![0]!.$unknowns).toEqual([stranger]);
  expect(encodeModel(model)).toEqual(bytes);
});

test("pipeline stages of IR 11 are read and written", () => {
  const node = {
    op_type: "Relu",
    input: ["x"],
    output: ["y"],
    device_configurations: [{ configuration_id: "p", pipeline_stage: 3 }],
  };
  const bytes = encodeModel({
    ir_version: 11,
    configuration: [{ name: "p", num_devices: 4 }],
    graph: { name: "g", node: [node] },
  });
  const model = decodeModel(bytes);
  expect(model.graph!.node![0]!.device_configurations![0]!.pipeline_stage).toBe(3);
  expect(model.configuration![0]!.num_devices).toBe(4);
});

test("number lists are read packed, unpacked and mixed, in file order", () => {
  const { onnx } = onnxProto;
  const packed = onnx.TensorProto.encode({ dims: [3], dataType: 7, int64Data: [1, -2, 3], name: "t" }).finish();
  const unpacked = new Uint8Array([...packed, 7 * 8, 4]);
  const graph = bytesField(7, bytesField(5, unpacked));
  const [tensor] = decodeModel(graph).graph!.initializer!;
  const { elements } = tensorLiteral({ ...tensor!, dims: [4], $unknowns: tensor!.$unknowns! }, "t");
  expect([...(elements as BigInt64Array)]).toEqual([1n, -2n, 3n, 4n]);
});
