/** @file Why the backward of some cases takes more than LIMIT times the forward, by the name of the case. */

const FEW_CHANNELS =
  "too few channels to fill a matrix product: both gradients copy the image once per tap, the forward does not";
const OUTGROWS_CACHE =
  "tensors outgrow the cache, so passes over memory count: the forward is one fused pass, plain ONNX needs ten";
const CALLS = "so small that calling kernels is what takes time: one forward, some twenty backward";
const STATISTICS =
  "one fused kernel forward; backward the statistics are taken again and sums, products and affine maps are passes of their own";
const ONE_BY_ONE =
  "groups are too small for a matrix product: the weight gradient takes one pass per tap over the image";
const ONE_PASS = "one pass over one tensor forward; backward two tensors are read and a mask is written and read";
const DENSE = "the gradient of the whole table is written, of which the forward reads a few rows";

export const REASONS: ReadonlyMap<string, string> = new Map([
  ["Conv 3x3 3>32 @64", FEW_CHANNELS],
  ["Conv 5x5 6>16 @14", FEW_CHANNELS],
  ["Conv depthwise 3x3 96 @28", ONE_BY_ONE],
  ["Conv depthwise 3x3 s2 96 @28", ONE_BY_ONE],
  ["Conv depthwise 5x5 s2 96 @28", ONE_BY_ONE],
  ["Conv grouped 3x3 128 g32 @28", ONE_BY_ONE],
  ["MaxPool 3x3 s2 64 @56", "the engine's kernel that also gives the places of the maxima is 20 times slower"],
  [
    "MaxPool 2x2 s2 64 @56",
    "the maxima are found again by comparing; the kernel that gives their places is slower still",
  ],
  ["LayerNormalization 512x768", OUTGROWS_CACHE],
  ["LayerNormalization 2048x1024", OUTGROWS_CACHE],
  ["LayerNormalization 64x64", CALLS],
  ["BatchNormalization train 64 @56", STATISTICS],
  ["BatchNormalization train 512 @7", STATISTICS],
  ["InstanceNormalization 64 @56", STATISTICS],
  ["Relu 2x64x56x56", ONE_PASS],
  ["Gelu 512x1024", "the derivative needs the error function and an exponential, the forward the error function alone"],
  ["Mul 512x1024 * same", "two products, each as large as the forward"],
  ["Gather embedding 512 of 6144x256", DENSE],
  ["GatherElements 512 of 512x6144", DENSE],
  ["Resize nearest x2 64 @28", "the forward copies; the backward adds up, as a product with a constant matrix"],
  ["GridSample 32 @28", "one fused kernel forward; backward its arithmetic is written out and scattered"],
]);
