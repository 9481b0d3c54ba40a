/** @file MelWeightMatrix: triangles over the bins of a spectrum, evenly spaced on the mel scale. Source: ONNX MelWeightMatrix-17. */
import { listed } from "../../ir/listed.js";
import { literalOf } from "../../ir/literal.js";
import { dtypeOf } from "../dtype.js";
import type { Decomposition } from "../source.js";
import { constantNumbers, malformedNode, numberAttr } from "../source.js";
import { cast } from "./emission.js";

const mel = (hertz: number): number => 2595 * Math.log10(1 + hertz / 700);
const hertz = (mels: number): number => 700 * (10 ** (mels / 2595) - 1);

/** How much of a bin counts in a band that rises from `left` to `peak` and falls to `right`. */
function share(bin: number, [left, peak, right]: readonly [number, number, number]): number {
  if (bin >= peak && bin < right) return (right - bin) / (right - peak);
  if (bin === peak) return 1;
  return bin > left && bin < peak ? (bin - left) / (peak - left) : 0;
}

/** Inputs the number of bands, the length of the transform, the sample rate, and both ends in hertz; a constant. */
export const melWeights: Decomposition = (b, node) => {
  const [bands, length, rate, least, most] = [0, 1, 2, 3, 4].map((input) => constantNumbers(b, node, input)[0]!) as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (bands < 0 || length < 0) throw malformedNode(node, `${bands} bands of a transform of ${length} samples`);
  const bins = Math.floor(length / 2) + 1;
  const step = (mel(most) - mel(least)) / (bands + 2);
  const edges = listed(bands + 2, (band) => Math.floor(((length + 1) * hertz(mel(least) + band * step)) / rate));
  if (!edges.every((edge) => edge >= 0 && edge < bins))
    throw malformedNode(
      node,
      `bands from ${least} to ${most} hertz do not fit ${bins} bins at ${rate} samples a second`,
    );
  const numbers = listed(bins * bands, (at) => {
    const [bin, band] = [Math.floor(at / bands), at % bands];
    return share(bin, [edges[band]!, edges[band + 1]!, edges[band + 2]!]);
  });
  const dtype = dtypeOf(numberAttr(node, "output_datatype", 1), `node ${node.name}`);
  return [cast(b, b.literal(literalOf("float32", [bins, bands], numbers)), dtype)];
};
