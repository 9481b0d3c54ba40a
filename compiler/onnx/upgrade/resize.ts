/** @file Resize and its predecessor Upsample, brought to the form of opset 19 with scales or sizes for every axis. */
import type { ImportEmitter, SourceNode, UpgradeRule } from "../source.js";
import {
  constantNumbers,
  inputAt,
  malformedNode,
  numberAttr,
  numbersAttr,
  textAttr,
  withAttrs,
  withoutAttrs,
} from "../source.js";
import type { Value } from "../../ir/graph.js";
import { literalOf } from "../../ir/literal.js";
import { distinctAxes } from "../../ops/shape.js";
import type { Upgrades } from "./rule.js";

const OLD_FORM = { coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" } as const;

/** Upsample gave scales as attributes of two kinds, then as an input; it always was asymmetric and rounded down. */
const upsample: UpgradeRule = (b, node) => {
  const given = numbersAttr(node, "scales");
  const mode = textAttr(node, "mode", "nearest");
  const old = node.version < 7 ? [1, 1, numberAttr(node, "height_scale"), numberAttr(node, "width_scale")] : given;
  const rest = withoutAttrs(node, "scales", "height_scale", "width_scale");
  return {
    ...withAttrs(rest, { ...OLD_FORM, mode: mode === "bilinear" ? "linear" : mode }),
    op: "Resize",
    inputs: [node.inputs[0], undefined, old ? floats(b, old) : inputAt(node, 1)],
  };
};

/** Resize of opset 10 had no other coordinates either. */
const firstResize: UpgradeRule = (_b, node) => ({
  ...withAttrs(node, OLD_FORM),
  inputs: [node.inputs[0], undefined, node.inputs[1]],
});

/**
 * Empty tensors count as left out; scales, sizes and region are spread over all axes, but where a policy relates the
 * axes that are named.
 */
const allAxes: UpgradeRule = (b, node) => {
  const [x, roi, scales, sizes] = [0, 1, 2, 3].map((position) => given(b, node.inputs[position]));
  const axes = numbersAttr(node, "axes");
  const isStretched = !sizes || textAttr(node, "keep_aspect_ratio_policy", "stretch") === "stretch";
  const rest = isStretched ? withoutAttrs(node, "axes", "keep_aspect_ratio_policy") : node;
  const compact: SourceNode = { ...rest, inputs: [x, roi, scales, sizes] };
  if (!axes || axes.length === 0 || !x || !isStretched) return compact;
  const rank = x.type.shape.length;
  const own = [...distinctAxes(axes, rank)];
  const spread = (position: number, fallback: readonly number[]): readonly number[] => {
    const numbers = constantNumbers(b, compact, position);
    if (numbers.length !== own.length)
      throw malformedNode(node, `input ${position} holds ${numbers.length} numbers for ${own.length} axes`);
    return fallback.map((other, axis) => (own.includes(axis) ? numbers[own.indexOf(axis)]! : other));
  };
  const ones = x.type.shape.map(() => 1);
  const region = roi && constantNumbers(b, compact, 1);
  const regionAt = (axis: number, end: boolean): number => {
    const position = own.indexOf(axis);
    return position < 0 ? (end ? 1 : 0) : region![position + (end ? own.length : 0)]!;
  };
  return {
    ...compact,
    inputs: [
      x,
      region &&
        floats(b, [...ones.map((_, axis) => regionAt(axis, false)), ...ones.map((_, axis) => regionAt(axis, true))]),
      scales && floats(b, spread(2, ones)),
      sizes && b.int64s(spread(3, x.type.shape)),
    ],
  };
};

function given(b: ImportEmitter, value: Value | undefined): Value | undefined {
  if (!value) return undefined;
  const known = b.known(value);
  return known.type.shape.includes(0) ? undefined : known;
}

function floats(b: ImportEmitter, numbers: readonly number[]): Value {
  return b.literal(literalOf("float32", [numbers.length], numbers));
}

export const resize: Upgrades = {
  Upsample: [{ until: Infinity, apply: upsample }],
  Resize: [
    { until: 11, apply: firstResize },
    { until: Infinity, apply: allAxes },
  ],
};
