/** @file Elementwise operators: explicit broadcasting before opset 7, limits and types that were attributes. */
import { listed } from "../../ir/listed.js";
import { PipewrightError } from "../../errors.js";
import { dtypeCode } from "../dtype.js";
import type { UpgradeRule } from "../source.js";
import { inputAt, malformedNode, numberAttr, textAttr, withAttrs, withInput, withoutAttrs } from "../source.js";
import type { DType } from "../../ir/graph.js";
import type { Upgrade, Upgrades } from "./rule.js";
import { all, drop, scalarToInput } from "./rule.js";

/** With broadcast=1 and an axis, the axes of the second input lie at `axis` of the first one's. */
const explicitBroadcast: UpgradeRule = (b, node) => {
  const rest = withoutAttrs(node, "broadcast", "axis", "consumed_inputs");
  if (!node.attrs.has("axis") || !numberAttr(node, "broadcast", 0)) return rest;
  const [a, c] = [inputAt(node, 0).type.shape, inputAt(node, 1)];
  const axis = numberAttr(node, "axis");
  const start = axis < 0 ? axis + a.length : axis;
  const trailing = a.length - start - c.type.shape.length;
  if (start < 0 || trailing < 0) throw malformedNode(node, `input 1 does not fit at axis ${axis} of input 0`);
  return withInput(rest, 1, b.emit("Reshape", [c, b.int64s([...c.type.shape, ...listed(trailing, () => 1)])]));
};

/** Slopes of one per channel lay along axis 1 without being shaped so. */
const channelSlopes: UpgradeRule = (b, node) => {
  const [{ shape }, slope] = [inputAt(node, 0).type, inputAt(node, 1)];
  const rest = withoutAttrs(node, "consumed_inputs");
  if (slope.type.shape.length !== 1 || shape.length <= 2 || slope.type.shape[0] === 1) return rest;
  const wide = [slope.type.shape[0]!, ...new Array<number>(shape.length - 2).fill(1)];
  return withInput(rest, 1, b.emit("Reshape", [slope, b.int64s(wide)]));
};

const OLD_TYPE_NAMES: Readonly<Record<string, DType>> = {
  FLOAT: "float32",
  DOUBLE: "float64",
  FLOAT16: "float16",
  INT64: "int64",
  INT32: "int32",
  INT16: "int16",
  INT8: "int8",
  UINT64: "uint64",
  UINT32: "uint32",
  UINT16: "uint16",
  UINT8: "uint8",
  BOOL: "bool",
  STRING: "string",
};

const castTarget: UpgradeRule = (_b, node) => {
  const name = textAttr(node, "to", "");
  const dtype = Object.hasOwn(OLD_TYPE_NAMES, name) ? OLD_TYPE_NAMES[name] : undefined;
  if (dtype) return withAttrs(node, { to: dtypeCode(dtype) });
  throw new PipewrightError(
    "MODEL_MALFORMED",
    `node ${node.name} (Cast): attribute "to" is no element type; got ${JSON.stringify(name)}.`,
  );
};

const broadcast: readonly Upgrade[] = [{ until: 7, apply: explicitBroadcast }];
const consumed: readonly Upgrade[] = [{ until: 6, apply: drop("consumed_inputs") }];

export const arithmetic: Upgrades = {
  Add: broadcast,
  Sub: broadcast,
  Mul: broadcast,
  Div: broadcast,
  Pow: broadcast,
  And: broadcast,
  Or: broadcast,
  Xor: broadcast,
  Equal: broadcast,
  Greater: broadcast,
  Less: broadcast,
  Gemm: [{ until: 7, apply: drop("broadcast") }],
  PRelu: [{ until: 7, apply: channelSlopes }],
  Abs: consumed,
  Ceil: consumed,
  Elu: consumed,
  Exp: consumed,
  Floor: consumed,
  HardSigmoid: consumed,
  LeakyRelu: consumed,
  Log: consumed,
  Max: consumed,
  Mean: consumed,
  Min: consumed,
  Neg: consumed,
  Reciprocal: consumed,
  Relu: consumed,
  Selu: consumed,
  Sigmoid: consumed,
  Sqrt: consumed,
  Sum: consumed,
  Tanh: consumed,
  Clip: [{ until: 11, apply: all(drop("consumed_inputs"), scalarToInput("min", 1), scalarToInput("max", 2)) }],
  Cast: [
    { until: 6, apply: castTarget },
    { until: Infinity, apply: drop("saturate", "round_mode") },
  ],
};
