/**
 * @file Forms of imported operators that are refused, and why. Rules refuse by the name of a form, so that the table of
 * features, which is made from this one, and the messages say the same.
 */
import type { PipewrightError } from "../errors.js";
import { unsupportedNode } from "./source.js";

/** What is refused, and the reason. */
export type RefusedForm = readonly [what: string, why: string];

/** Longest transform. */
export const LONGEST_TRANSFORM = 2048;
/** Most spatial axes of an image that engines read between its elements. */
export const MOST_IMAGE_AXES = 3;

const LONG_TRANSFORM: RefusedForm = [
  `a transform of more than ${LONGEST_TRANSFORM} samples`,
  "its tables hold the square of that",
];
const NO_ITERATION: RefusedForm = [
  "no iteration where the body declares no shape of what is collected",
  "the result has no static shape",
];
const STRINGS: RefusedForm = ["collecting strings", "strings cannot be trained on"];
const CACHE: RefusedForm = ["a cache of past keys", "training runs over whole sequences"];
const ODD_MASK: RefusedForm = ["a mask of another form than [batch], or of 2 to 4 axes", "what it masks is not known"];
const ODD_ACTIVATION: RefusedForm = [
  "an activation other than Relu, Sigmoid, Tanh, LeakyRelu, HardSigmoid and Clip",
  "optimisers fuse these",
];

/** By operator of ai.onnx, or "domain.Operator", then by a name for the form. */
export const REFUSED_FORMS = {
  BatchNormalization: {
    perActivation: ["spatial=0 in training (opsets 7 and 8)", "running statistics are one per channel"],
  },
  ConcatFromSequence: { empty: ["an empty sequence", "the result has no static shape"] },
  DeformConv: {
    axes: [`more than ${MOST_IMAGE_AXES} spatial axes`, "engines read no larger images between their elements"],
  },
  DFT: { long: LONG_TRANSFORM },
  Loop: {
    unknownEnd: ["a condition that depends on what is fed", "the loop cannot be unrolled"],
    shapeless: NO_ITERATION,
    strings: STRINGS,
  },
  QuantizeLinear: {
    narrow: ["rounding to another type than int8, uint8, int16 or uint16", "the others are no element types here"],
  },
  Scan: {
    lengths: ["an input of lengths that is fed (opset 8)", "the walk cannot be unrolled"],
    shapeless: NO_ITERATION,
    strings: STRINGS,
  },
  STFT: { long: LONG_TRANSFORM },
  "com.microsoft.Attention": { cache: CACHE, mask: ODD_MASK },
  "com.microsoft.FusedConv": {
    activation: ODD_ACTIVATION,
    autoPad: ["automatic padding (auto_pad)", "optimisers write explicit pads"],
  },
  "com.microsoft.FusedGemm": { activation: ODD_ACTIVATION },
  "com.microsoft.FusedMatMul": {
    batches: ["a transposed batch axis (transBatchA, transBatchB)", "put a Transpose before it"],
  },
  "com.microsoft.MultiHeadAttention": {
    cache: CACHE,
    mask: ODD_MASK,
    packed: ["a packed or transposed query, key or value", "give three of [batch, sequence, features]"],
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, RefusedForm>>>>;

/** The error for a form of the table; `got` says what the node has. */
export function refusedForm([what, why]: RefusedForm, got?: string): PipewrightError {
  return unsupportedNode(`${what} is not supported: ${why}${got === undefined ? "" : `; got ${got}`}.`);
}
