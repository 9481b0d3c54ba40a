/**
 * @file Operators in terms of primitives. `SIMPLIFICATIONS` are tried first, for operators that the IR has too;
 * `DECOMPOSITIONS` stand for operators that it lacks.
 */
import type { Decomposition, Simplification } from "../source.js";
import { affineGrid } from "./affine-grid.js";
import { attention } from "./attention.js";
import { contribAttention } from "./contrib-attention.js";
import { contrib } from "./contrib.js";
import { deformConv } from "./deformable.js";
import { einsum } from "./einsum.js";
import { localResponse } from "./local-response.js";
import { losses } from "./loss.js";
import { melWeights } from "./mel.js";
import { widePad } from "./pad.js";
import { quantized } from "./quantized.js";
import { recent } from "./recent.js";
import { recurrentOps } from "./recurrent.js";
import { rotary } from "./rotary.js";
import { simplifications } from "./simplify.js";
import { spectrum } from "./spectrum.js";

export const SIMPLIFICATIONS: ReadonlyMap<string, Simplification> = new Map<string, Simplification>(
  Object.entries({ ...simplifications, AffineGrid: affineGrid, LRN: localResponse, Pad: widePad }),
);

export const DECOMPOSITIONS: ReadonlyMap<string, Decomposition> = new Map<string, Decomposition>(
  Object.entries({
    Attention: attention,
    DeformConv: deformConv,
    Einsum: einsum,
    MelWeightMatrix: melWeights,
    RotaryEmbedding: rotary,
    ...contrib,
    ...contribAttention,
    ...losses,
    ...quantized,
    ...recent,
    ...recurrentOps,
    ...spectrum,
  }),
);
