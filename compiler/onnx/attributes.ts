/** @file Attributes of nodes: reading them as an op's fields say, and writing them. */
import { PipewrightError } from "../errors.js";
import type { Literal } from "../ir/graph.js";
import { formatName } from "../names.js";
import type { AttrField, AttrKind } from "../ops/define.js";
import { trainingLiteral } from "./precision.js";
import type { AttributeProto } from "./proto.js";
import { has, numberOf } from "./proto.js";
import { tensorLiteral, tensorProto } from "./tensor-data.js";

/** A decoded attribute value. */
export type AttrValue = number | string | readonly number[] | readonly string[] | Literal;

/** AttributeProto.AttributeType of each kind. */
const TYPES: Readonly<Record<AttrKind, number>> = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  floats: 6,
  ints: 7,
  strings: 8,
};

const KINDS: ReadonlyMap<number, AttrKind> = new Map(
  Object.entries(TYPES).map(([kind, type]) => [type, kind as AttrKind]),
);

/** The kind of an attribute; undefined for graphs, types and sparse tensors. Files before IR 2 do not say it. */
function attributeKind(attribute: AttributeProto): AttrKind | undefined {
  if (attribute.type) return KINDS.get(attribute.type);
  if (has(attribute, "f")) return "float";
  if (has(attribute, "i")) return "int";
  if (has(attribute, "s")) return "string";
  if (has(attribute, "t")) return "tensor";
  if (attribute.floats?.length) return "floats";
  if (attribute.ints?.length) return "ints";
  return attribute.strings?.length ? "strings" : undefined;
}

/** The field that holds the value, by AttributeProto.AttributeType. */
const FIELDS: ReadonlyMap<number, keyof AttributeProto> = new Map<number, keyof AttributeProto>([
  ...([
    [1, "f"],
    [2, "i"],
    [3, "s"],
    [4, "t"],
    [5, "g"],
    [6, "floats"],
    [7, "ints"],
    [8, "strings"],
  ] as const),
  ...([
    [9, "tensors"],
    [10, "graphs"],
    [11, "sparse_tensor"],
    [13, "tp"],
  ] as const),
]);

/** @throws MODEL_MALFORMED when the attribute says one type and holds another: readers would disagree on its value. */
function checkType(attribute: AttributeProto, where: string): void {
  if (!attribute.type) return;
  const own = FIELDS.get(attribute.type);
  for (const [type, field] of FIELDS) {
    if (field === own || !holds(attribute, field)) continue;
    throw new PipewrightError(
      "MODEL_MALFORMED",
      `${where}: attribute ${formatName(attribute.name)} contradicts itself; its type is ${attribute.type}, but it holds a value of type ${type}. Export the model again.`,
      { where },
    );
  }
}

/** True for a field that is there and is not what an absent one reads as. */
function holds(attribute: AttributeProto, field: keyof AttributeProto): boolean {
  if (!has(attribute, field)) return false;
  const value = attribute[field];
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length > 0;
  if (field === "i") return numberOf(attribute.i!) !== 0;
  return typeof value === "object" || value !== 0;
}

/** The value of an attribute; undefined for graphs, types and sparse tensors. `where` names the node. */
export function attributeValue(attribute: AttributeProto, where: string): AttrValue | undefined {
  checkType(attribute, where);
  const decoder = new TextDecoder();
  switch (attributeKind(attribute)) {
    case "float":
      return attribute.f ?? 0;
    case "int":
      return numberOf(attribute.i ?? 0);
    case "string":
      return has(attribute, "s") ? decoder.decode(attribute.s) : "";
    case "floats":
      return [...(attribute.floats ?? [])];
    case "ints":
      return (attribute.ints ?? []).map(numberOf);
    case "strings":
      return (attribute.strings ?? []).map((text) => decoder.decode(text));
    case "tensor":
      if (attribute.t)
        return trainingLiteral(tensorLiteral(attribute.t, `${where}, attribute ${formatName(attribute.name)}`));
      throw new PipewrightError(
        "MODEL_MALFORMED",
        `${where}: attribute ${formatName(attribute.name)} holds no tensor.`,
        {
          where,
        },
      );
    case undefined:
      return undefined;
  }
}

/** True when a value has the form of `kind`. */
export function fitsKind(value: AttrValue, kind: AttrKind): boolean {
  const list = Array.isArray(value);
  switch (kind) {
    case "int":
      return Number.isInteger(value);
    case "float":
      return typeof value === "number";
    case "string":
      return typeof value === "string";
    case "ints":
      return list && value.every(Number.isInteger);
    case "floats":
      return list && value.every((item) => typeof item === "number");
    case "strings":
      return list && value.every((item) => typeof item === "string");
    case "tensor":
      return typeof value === "object" && !list;
  }
}

/** The attributes of a node of the IR, as protos in the order of their names. */
export function attributeProtos(
  fields: Readonly<Record<string, AttrField<unknown>>>,
  attrs: Readonly<Record<string, unknown>>,
): readonly AttributeProto[] {
  return Object.keys(fields)
    .filter((name) => attrs[name] !== undefined)
    .sort()
    .map((name) => attributeProto(name, fields[name]!.kind, attrs[name] as AttrValue));
}

function attributeProto(name: string, kind: AttrKind, value: AttrValue): AttributeProto {
  const encoder = new TextEncoder();
  const head = { name, type: TYPES[kind] };
  switch (kind) {
    case "int":
      return { ...head, i: value as number };
    case "float":
      return { ...head, f: value as number };
    case "string":
      return { ...head, s: encoder.encode(value as string) };
    case "ints":
      return { ...head, ints: value as readonly number[] };
    case "floats":
      return { ...head, floats: value as readonly number[] };
    case "strings":
      return { ...head, strings: (value as readonly string[]).map((text) => encoder.encode(text)) };
    case "tensor":
      return { ...head, t: tensorProto(value as Literal, "") };
  }
}
