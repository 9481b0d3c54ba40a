/** @file Convolutions and pools: automatic padding becomes explicit, since shapes are static. Boxes of RoiAlign. */
import type { SourceNode, UpgradeRule } from "../source.js";
import { inputAt, malformedNode, numbersAttr, textAttr, withAttrs, withoutAttrs } from "../source.js";
import type { Upgrades } from "./rule.js";

interface Window {
  readonly sizes: readonly number[];
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
}

function windowOf(node: SourceNode): Window {
  const sizes = inputAt(node, 0).type.shape.slice(2);
  const kernel = numbersAttr(node, "kernel_shape") ?? node.inputs[1]?.type.shape.slice(2);
  if (!kernel || kernel.length !== sizes.length)
    throw malformedNode(node, `attribute "kernel_shape" does not fit ${sizes.length} spatial axes`);
  const ones = sizes.map(() => 1);
  return {
    sizes,
    kernel,
    strides: numbersAttr(node, "strides") ?? ones,
    dilations: numbersAttr(node, "dilations") ?? ones,
  };
}

/** Pads of both ends for given totals; the odd one goes to the end for SAME_UPPER, to the start for SAME_LOWER. */
function bothEnds(totals: readonly number[], mode: string): readonly number[] {
  const less = totals.map((total) => Math.floor(total / 2));
  const more = totals.map((total) => Math.ceil(total / 2));
  return mode === "SAME_LOWER" ? [...more, ...less] : [...less, ...more];
}

const explicitPads: UpgradeRule = (_b, node) => {
  const mode = textAttr(node, "auto_pad", "NOTSET");
  const rest = withoutAttrs(node, "auto_pad");
  if (mode === "NOTSET" || mode === "") return rest;
  const { sizes, kernel, strides, dilations } = windowOf(node);
  if (mode === "VALID") return withAttrs(rest, { pads: [...sizes, ...sizes].map(() => 0) });
  if (mode !== "SAME_UPPER" && mode !== "SAME_LOWER")
    throw malformedNode(node, `attribute "auto_pad" is unknown; got ${JSON.stringify(mode)}`);
  const totals = sizes.map((size, axis) => {
    const reach = (kernel[axis]! - 1) * dilations[axis]! + 1;
    return Math.max(0, (Math.ceil(size / strides[axis]!) - 1) * strides[axis]! + reach - size);
  });
  return withAttrs(rest, { pads: bothEnds(totals, mode) });
};

/** The wanted output size, given or implied by SAME, as pads: the odd one goes to the start but for SAME_UPPER. */
const transposedPads: UpgradeRule = (_b, node) => {
  const mode = textAttr(node, "auto_pad", "NOTSET");
  const wanted = numbersAttr(node, "output_shape");
  const rest = withoutAttrs(node, "auto_pad", "output_shape");
  const same = mode === "SAME_UPPER" || mode === "SAME_LOWER";
  if (!wanted && !same) return mode === "VALID" ? withoutAttrs(rest, "pads") : rest;
  const { sizes, kernel, strides, dilations } = windowOf(node);
  const pads = numbersAttr(node, "pads") ?? [];
  if (pads.length > 0 && pads.length !== 2 * sizes.length)
    throw malformedNode(
      node,
      `attribute "pads" is wrong; got [${pads.join(",")}], expected ${2 * sizes.length} numbers`,
    );
  const outputs = wanted?.slice(-sizes.length) ?? sizes.map((size, axis) => size * strides[axis]!);
  const extra = numbersAttr(node, "output_padding") ?? sizes.map(() => 0);
  const totals = sizes.map((size, axis) => {
    const full = strides[axis]! * (size - 1) + extra[axis]! + (kernel[axis]! - 1) * dilations[axis]! + 1;
    return full - outputs[axis]!;
  });
  return withAttrs(rest, {
    pads: bothEnds(
      totals.map((total) => Math.max(0, total)),
      mode === "SAME_UPPER" ? mode : "SAME_LOWER",
    ),
    output_padding: extra.map((own, axis) => own + Math.max(0, -totals[axis]!)),
  });
};

const window = [{ until: Infinity, apply: explicitPads }];

export const windows: Upgrades = {
  Conv: window,
  MaxPool: window,
  AveragePool: window,
  LpPool: window,
  ConvTranspose: [{ until: Infinity, apply: transposedPads }],
  // Before opset 16 the corners of pixels, not their centres, had whole coordinates.
  RoiAlign: [
    { until: 16, apply: (_b, node) => withAttrs(node, { coordinate_transformation_mode: "output_half_pixel" }) },
  ],
};
