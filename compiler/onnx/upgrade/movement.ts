/** @file Operators that move elements: shapes, slices, pads and counts that were attributes. */
import { listed } from "../../ir/listed.js";
import { elementCount, literalNumbers } from "../../ir/literal.js";
import { distinctAxes, normalizeAxis } from "../../ops/shape.js";
import type { UpgradeRule } from "../source.js";
import {
  constantNumbers,
  inputAt,
  malformedNode,
  numberAttr,
  numbersAttr,
  textAttr,
  withAttrs,
  withInput,
  withoutAttrs,
} from "../source.js";
import type { Upgrades } from "./rule.js";
import { all, drop, listToInput, scalarToInput } from "./rule.js";

/** Split at one operator set or another: the sizes of the parts become input 1, always. */
const splitSizes: UpgradeRule = (b, node) => {
  const rest = withoutAttrs(node, "num_outputs");
  if (node.inputs[1]) return rest;
  const { shape } = inputAt(node, 0).type;
  const size = shape[normalizeAxis(numberAttr(node, "axis", 0), shape.length)]!;
  const parts = numberAttr(node, "num_outputs", node.outputs.length);
  if (parts < 1 || parts > Math.max(size, node.outputs.length))
    throw malformedNode(node, `it splits into ${parts} parts`);
  if (node.version < 18 && size % parts !== 0)
    throw malformedNode(node, `${size} elements do not split into ${parts} equal parts`);
  const part = Math.ceil(size / parts);
  const sizes = listed(parts, (position) => Math.max(0, Math.min(part, size - position * part)));
  return withInput(rest, 1, b.int64s(sizes));
};

/** Tile of opset 1: how often, along one axis. */
const tileRepeats: UpgradeRule = (b, node) => {
  const [times] = constantNumbers(b, node, 1);
  const [axis] = constantNumbers(b, node, 2);
  const repeats = inputAt(node, 0).type.shape.map((_, own) => (own === axis ? times! : 1));
  return { ...node, inputs: [node.inputs[0], b.int64s(repeats)] };
};

const paddingsToPads: UpgradeRule = (_b, node) => {
  const paddings = numbersAttr(node, "paddings");
  return paddings ? withAttrs(withoutAttrs(node, "paddings"), { pads: paddings }) : node;
};

/** Slice of opset 1: all axes from the first when none are named. */
const sliceInputs: UpgradeRule = (b, node) => {
  const starts = numbersAttr(node, "starts");
  const ends = numbersAttr(node, "ends");
  if (!starts || !ends || starts.length !== ends.length)
    throw malformedNode(node, `attributes "starts" and "ends" do not match`);
  const axes = numbersAttr(node, "axes") ?? [...starts.keys()];
  return {
    ...withoutAttrs(node, "starts", "ends", "axes"),
    inputs: [node.inputs[0], b.int64s(starts), b.int64s(ends), b.int64s(axes)],
  };
};

/** The count of TopK, an attribute at first. */
const topCount: UpgradeRule = (b, node) => withInput(withoutAttrs(node, "k"), 1, b.int64s([numberAttr(node, "k")]));

/** An empty pad value or an empty list of axes counts as left out. */
const padInputs: UpgradeRule = (b, node) => {
  const count = elementCount(node.inputs[2]?.type.shape ?? []);
  if (count > 1) throw malformedNode(node, `input 2 has ${count} elements; expected one`);
  const value = node.inputs[2] && b.constant(node.inputs[2]);
  return value && value.shape.includes(0) ? withInput(node, 2, undefined) : node;
};

/** Axes of Pad of opset 18: pads for all axes. */
const padAxes: UpgradeRule = (b, node) => {
  if (!node.inputs[3]) return node;
  const { shape } = inputAt(node, 0).type;
  const axesLiteral = b.constant(node.inputs[3]);
  const axes = axesLiteral ? literalNumbers(axesLiteral) : constantNumbers(b, node, 3);
  const pads = constantNumbers(b, node, 1);
  if (pads.length !== 2 * axes.length) throw malformedNode(node, `${pads.length} pads for ${axes.length} axes`);
  const full = new Array<number>(2 * shape.length).fill(0);
  for (const [position, own] of [...distinctAxes(axes, shape.length)].entries()) {
    full[own] = pads[position]!;
    full[own + shape.length] = pads[position + axes.length]!;
  }
  return { ...node, inputs: [node.inputs[0], b.int64s(full), node.inputs[2]] };
};

export const movement: Upgrades = {
  Reshape: [{ until: 5, apply: all(drop("consumed_inputs"), listToInput("shape", 1)) }],
  Slice: [{ until: 10, apply: sliceInputs }],
  Split: [
    { until: 13, apply: listToInput("split", 1) },
    { until: Infinity, apply: splitSizes },
  ],
  Tile: [{ until: 6, apply: tileRepeats }],
  Pad: [
    { until: 2, apply: paddingsToPads },
    { until: 11, apply: all(listToInput("pads", 1), scalarToInput("value", 2)) },
    { until: Infinity, apply: all(padInputs, padAxes) },
  ],
  TopK: [{ until: 10, apply: topCount }],
  Concat: [{ until: 4, apply: (_b, node) => withAttrs(node, { axis: numberAttr(node, "axis", 1) }) }],
  Scatter: [{ until: Infinity, apply: (_b, node) => ({ ...node, op: "ScatterElements" }) }],
  GridSample: [
    {
      until: 20,
      apply: (_b, node) => {
        const mode = textAttr(node, "mode", "bilinear");
        return withAttrs(node, { mode: mode === "bilinear" ? "linear" : mode === "bicubic" ? "cubic" : mode });
      },
    },
  ],
  Range: [{ until: Infinity, apply: drop("stash_type") }],
  DFT: [
    {
      until: 20,
      apply: (b, node) => withInput(withoutAttrs(node, "axis"), 2, b.scalar(numberAttr(node, "axis", 1), "int64")),
    },
  ],
};
