/**
 * @file Decoded ONNX messages, as types. An absent scalar reads as its default (0, "", no bytes), an absent list as [],
 * an absent message as null or undefined; `has` tells an absent field from one that holds its default.
 */

/** A 64-bit integer as protobufjs gives it: two 32-bit halves. Numbers are accepted when writing. */
export type Int64 = number | { readonly low: number; readonly high: number; readonly unsigned: boolean };

/** What every decoded message has: fields that the schema does not know, each with its tag, in file order. */
interface Message {
  readonly $unknowns?: readonly Uint8Array[];
}

export interface StringStringEntryProto extends Message {
  readonly key: string;
  readonly value: string;
}

export interface OperatorSetIdProto extends Message {
  readonly domain?: string;
  readonly version: Int64;
}

export interface TensorProto extends Message {
  readonly dims: readonly Int64[];
  readonly data_type: number;
  readonly segment?: object | null;
  readonly string_data?: readonly Uint8Array[];
  readonly name?: string;
  readonly raw_data?: Uint8Array;
  readonly doc_string?: string;
  readonly external_data?: readonly StringStringEntryProto[];
  /** 0: in the file; 1: external. */
  readonly data_location?: number;
}

export interface SparseTensorProto extends Message {
  readonly values?: TensorProto | null;
  readonly indices?: TensorProto | null;
  readonly dims: readonly Int64[];
}

export interface DimensionProto extends Message {
  readonly dim_value?: Int64;
  readonly dim_param?: string;
}

export interface TensorShapeProto extends Message {
  readonly dim?: readonly DimensionProto[];
}

export interface TensorTypeProto extends Message {
  readonly elem_type: number;
  readonly shape?: TensorShapeProto | null;
}

export interface TypeProto extends Message {
  readonly tensor_type?: TensorTypeProto | null;
  readonly sequence_type?: { readonly elem_type?: TypeProto | null } | null;
  readonly map_type?: object | null;
  readonly sparse_tensor_type?: TensorTypeProto | null;
  readonly optional_type?: { readonly elem_type?: TypeProto | null } | null;
}

export interface ValueInfoProto extends Message {
  readonly name: string;
  readonly type?: TypeProto | null;
}

export interface AttributeProto extends Message {
  readonly name: string;
  readonly type?: number;
  readonly ref_attr_name?: string;
  readonly f?: number;
  readonly i?: Int64;
  readonly s?: Uint8Array;
  readonly t?: TensorProto | null;
  readonly g?: GraphProto | null;
  readonly tp?: TypeProto | null;
  readonly sparse_tensor?: SparseTensorProto | null;
  readonly floats?: readonly number[];
  readonly ints?: readonly Int64[];
  readonly strings?: readonly Uint8Array[];
  readonly tensors?: readonly TensorProto[];
  readonly graphs?: readonly GraphProto[];
}

export interface NodeProto extends Message {
  readonly input?: readonly string[];
  readonly output?: readonly string[];
  readonly name?: string;
  readonly op_type: string;
  readonly domain?: string;
  readonly overload?: string;
  readonly attribute?: readonly AttributeProto[];
  readonly doc_string?: string;
  readonly device_configurations?: readonly {
    readonly configuration_id?: string;
    readonly pipeline_stage?: number;
  }[];
}

export interface GraphProto extends Message {
  readonly name?: string;
  readonly node?: readonly NodeProto[];
  readonly initializer?: readonly TensorProto[];
  readonly sparse_initializer?: readonly SparseTensorProto[];
  readonly input?: readonly ValueInfoProto[];
  readonly output?: readonly ValueInfoProto[];
  readonly value_info?: readonly ValueInfoProto[];
}

export interface FunctionProto extends Message {
  readonly name: string;
  readonly domain?: string;
  readonly overload?: string;
  readonly input?: readonly string[];
  readonly output?: readonly string[];
  readonly attribute?: readonly string[];
  readonly attribute_proto?: readonly AttributeProto[];
  readonly node?: readonly NodeProto[];
  readonly opset_import?: readonly OperatorSetIdProto[];
}

export interface ModelProto extends Message {
  readonly ir_version: Int64;
  readonly producer_name?: string;
  readonly producer_version?: string;
  readonly graph?: GraphProto | null;
  readonly opset_import?: readonly OperatorSetIdProto[];
  readonly metadata_props?: readonly StringStringEntryProto[];
  readonly training_info?: readonly object[];
  readonly functions?: readonly FunctionProto[];
  readonly configuration?: readonly {
    readonly name?: string;
    readonly num_devices?: number;
    readonly device?: readonly string[];
  }[];
}

/** True when the field stands in the file, even with its default value. */
export function has<M extends object>(message: M, field: keyof M): boolean {
  return Object.hasOwn(message, field) && message[field] !== null && message[field] !== undefined;
}

/** A copy of a message with other fields. Unknown fields come along, which a plain copy would lose. */
export function changed<M extends Message>(message: M, changes: Partial<M>): M {
  return { ...message, ...(message.$unknowns ? { $unknowns: message.$unknowns } : {}), ...changes };
}

/** A 64-bit integer as a BigInt. */
export function bigOf(value: Int64): bigint {
  if (typeof value === "number") return BigInt(value);
  return (BigInt(value.unsigned ? value.high >>> 0 : value.high) << 32n) | BigInt(value.low >>> 0);
}

/**
 * A 64-bit integer as a number. Beyond ±(2^53 − 1) it saturates: ONNX uses the largest integers for "to the end", and
 * no size or axis comes near.
 */
export function numberOf(value: Int64): number {
  if (typeof value === "number") return value;
  const number = (value.unsigned ? value.high >>> 0 : value.high) * 2 ** 32 + (value.low >>> 0);
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, number));
}
