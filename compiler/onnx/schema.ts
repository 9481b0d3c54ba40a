/**
 * @file The ONNX messages at IR version 13 as a table, and protobufjs types built from it.
 *
 * Source: onnx/onnx.proto (Apache-2.0). The number lists of TensorProto (float_data 4, int32_data 5, int64_data 7,
 * double_data 10, uint64_data 11) are left out on purpose: they stay among the unknown fields as raw wire bytes, so
 * that a tensor costs no memory per element; `tensor-data.ts` reads them. Fields newer than this table survive a round
 * trip in the same way.
 */
import protobuf from "protobufjs/light.js";

/** A protobuf scalar or the name of a message. */
type FieldType = "int32" | "int64" | "uint64" | "float" | "string" | "bytes" | MessageName;
/** Number, type, and whether it repeats. Repeated numbers are written unpacked, as ONNX's own files have them. */
type Field = readonly [number: number, type: FieldType, repeated?: "repeated"];
type Fields = Readonly<Record<string, Field>>;

export type MessageName =
  | "ModelProto"
  | "GraphProto"
  | "NodeProto"
  | "AttributeProto"
  | "TensorProto"
  | "SparseTensorProto"
  | "ValueInfoProto"
  | "TypeProto"
  | "TensorTypeProto"
  | "ElementTypeProto"
  | "MapTypeProto"
  | "TensorShapeProto"
  | "DimensionProto"
  | "OperatorSetIdProto"
  | "StringStringEntryProto"
  | "FunctionProto"
  | "TrainingInfoProto"
  | "TensorAnnotation"
  | "SegmentProto"
  | "DeviceConfigurationProto"
  | "NodeDeviceConfigurationProto";

/** Field tables of all messages, by their names in onnx.proto (nested ones flattened). */
export const MESSAGES: Readonly<Record<MessageName, Fields>> = {
  ModelProto: {
    ir_version: [1, "int64"],
    producer_name: [2, "string"],
    producer_version: [3, "string"],
    domain: [4, "string"],
    model_version: [5, "int64"],
    doc_string: [6, "string"],
    graph: [7, "GraphProto"],
    opset_import: [8, "OperatorSetIdProto", "repeated"],
    metadata_props: [14, "StringStringEntryProto", "repeated"],
    training_info: [20, "TrainingInfoProto", "repeated"],
    functions: [25, "FunctionProto", "repeated"],
    configuration: [26, "DeviceConfigurationProto", "repeated"],
  },
  GraphProto: {
    node: [1, "NodeProto", "repeated"],
    name: [2, "string"],
    initializer: [5, "TensorProto", "repeated"],
    doc_string: [10, "string"],
    input: [11, "ValueInfoProto", "repeated"],
    output: [12, "ValueInfoProto", "repeated"],
    value_info: [13, "ValueInfoProto", "repeated"],
    quantization_annotation: [14, "TensorAnnotation", "repeated"],
    sparse_initializer: [15, "SparseTensorProto", "repeated"],
    metadata_props: [16, "StringStringEntryProto", "repeated"],
  },
  NodeProto: {
    input: [1, "string", "repeated"],
    output: [2, "string", "repeated"],
    name: [3, "string"],
    op_type: [4, "string"],
    attribute: [5, "AttributeProto", "repeated"],
    doc_string: [6, "string"],
    domain: [7, "string"],
    overload: [8, "string"],
    metadata_props: [9, "StringStringEntryProto", "repeated"],
    device_configurations: [10, "NodeDeviceConfigurationProto", "repeated"],
  },
  AttributeProto: {
    name: [1, "string"],
    f: [2, "float"],
    i: [3, "int64"],
    s: [4, "bytes"],
    t: [5, "TensorProto"],
    g: [6, "GraphProto"],
    floats: [7, "float", "repeated"],
    ints: [8, "int64", "repeated"],
    strings: [9, "bytes", "repeated"],
    tensors: [10, "TensorProto", "repeated"],
    graphs: [11, "GraphProto", "repeated"],
    doc_string: [13, "string"],
    tp: [14, "TypeProto"],
    type_protos: [15, "TypeProto", "repeated"],
    type: [20, "int32"],
    ref_attr_name: [21, "string"],
    sparse_tensor: [22, "SparseTensorProto"],
    sparse_tensors: [23, "SparseTensorProto", "repeated"],
  },
  TensorProto: {
    dims: [1, "int64", "repeated"],
    data_type: [2, "int32"],
    segment: [3, "SegmentProto"],
    string_data: [6, "bytes", "repeated"],
    name: [8, "string"],
    raw_data: [9, "bytes"],
    doc_string: [12, "string"],
    external_data: [13, "StringStringEntryProto", "repeated"],
    data_location: [14, "int32"],
    metadata_props: [16, "StringStringEntryProto", "repeated"],
  },
  SparseTensorProto: {
    values: [1, "TensorProto"],
    indices: [2, "TensorProto"],
    dims: [3, "int64", "repeated"],
  },
  ValueInfoProto: {
    name: [1, "string"],
    type: [2, "TypeProto"],
    doc_string: [3, "string"],
    metadata_props: [4, "StringStringEntryProto", "repeated"],
  },
  TypeProto: {
    tensor_type: [1, "TensorTypeProto"],
    sequence_type: [4, "ElementTypeProto"],
    map_type: [5, "MapTypeProto"],
    denotation: [6, "string"],
    sparse_tensor_type: [8, "TensorTypeProto"],
    optional_type: [9, "ElementTypeProto"],
  },
  TensorTypeProto: { elem_type: [1, "int32"], shape: [2, "TensorShapeProto"] },
  ElementTypeProto: { elem_type: [1, "TypeProto"] },
  MapTypeProto: { key_type: [1, "int32"], value_type: [2, "TypeProto"] },
  TensorShapeProto: { dim: [1, "DimensionProto", "repeated"] },
  DimensionProto: { dim_value: [1, "int64"], dim_param: [2, "string"], denotation: [3, "string"] },
  OperatorSetIdProto: { domain: [1, "string"], version: [2, "int64"] },
  StringStringEntryProto: { key: [1, "string"], value: [2, "string"] },
  FunctionProto: {
    name: [1, "string"],
    input: [4, "string", "repeated"],
    output: [5, "string", "repeated"],
    attribute: [6, "string", "repeated"],
    node: [7, "NodeProto", "repeated"],
    doc_string: [8, "string"],
    opset_import: [9, "OperatorSetIdProto", "repeated"],
    domain: [10, "string"],
    attribute_proto: [11, "AttributeProto", "repeated"],
    value_info: [12, "ValueInfoProto", "repeated"],
    overload: [13, "string"],
    metadata_props: [14, "StringStringEntryProto", "repeated"],
  },
  TrainingInfoProto: {
    initialization: [1, "GraphProto"],
    algorithm: [2, "GraphProto"],
    initialization_binding: [3, "StringStringEntryProto", "repeated"],
    update_binding: [4, "StringStringEntryProto", "repeated"],
  },
  TensorAnnotation: {
    tensor_name: [1, "string"],
    quant_parameter_tensor_names: [2, "StringStringEntryProto", "repeated"],
  },
  SegmentProto: { begin: [1, "int64"], end: [2, "int64"] },
  DeviceConfigurationProto: {
    name: [1, "string"],
    num_devices: [2, "int32"],
    device: [3, "string", "repeated"],
  },
  NodeDeviceConfigurationProto: { configuration_id: [1, "string"], pipeline_stage: [3, "int32"] },
};

/** The schema as protobufjs types. Edition 2023: scalars keep their presence, strings must be UTF-8. */
export const ROOT: protobuf.Root = protobuf.Root.fromJSON({
  nested: Object.fromEntries(
    Object.entries(MESSAGES).map(([name, fields]) => [
      name,
      {
        edition: "2023",
        fields: Object.fromEntries(
          Object.entries(fields).map(([field, [id, type, repeated]]) => [
            field,
            { id, type, ...ruleOf(type, repeated) },
          ]),
        ),
      },
    ]),
  ),
});

function ruleOf(type: FieldType, repeated: "repeated" | undefined): object {
  if (!repeated) return {};
  const number = type === "float" || type === "int32" || type === "int64" || type === "uint64";
  return number
    ? { rule: repeated, options: { features: { repeated_field_encoding: "EXPANDED" } } }
    : { rule: repeated };
}
