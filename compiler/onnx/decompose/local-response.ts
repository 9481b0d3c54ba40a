/** @file LRN where engines lack it: they have it for images, windows of odd and moderate size and positive settings. */
import { channelWindowMean, isWiderThanChannels } from "../../ops/response-norm.js";
import type { Simplification } from "../source.js";
import { inputAt, numberAttr } from "../source.js";
import { elementCount } from "../../ir/literal.js";
import { scalarOf, shaped } from "./emission.js";

/** y = x / (bias + alpha · mean over neighbouring channels of x²)^beta. */
export const localResponse: Simplification = (b, node) => {
  const x = inputAt(node, 0);
  const { shape } = x.type;
  const size = numberAttr(node, "size");
  const [alpha, beta, bias] = [
    numberAttr(node, "alpha", 1e-4),
    numberAttr(node, "beta", 0.75),
    numberAttr(node, "bias", 1),
  ];
  if (shape.length < 3 || size < 1) return undefined;
  if (size % 2 === 0 || alpha <= 0 || beta <= 0 || isWiderThanChannels(size, x.type)) {
    const mean = channelWindowMean(b, b.emit("Mul", [x, x]), size, Math.floor((size - 1) / 2));
    const sum = b.emit("Add", [b.emit("Mul", [mean, scalarOf(b, alpha, x)]), scalarOf(b, bias, x)]);
    return [b.emit("Div", [x, b.emit("Pow", [sum, scalarOf(b, beta, x)])])];
  }
  if (shape.length === 4) return undefined;
  const [batch, channels, ...spatial] = shape as readonly [number, number, ...number[]];
  const image = shaped(b, x, [batch, channels, elementCount(spatial), 1]);
  return [shaped(b, b.emit("LRN", [image], { size, alpha, beta, bias }), shape)];
};
