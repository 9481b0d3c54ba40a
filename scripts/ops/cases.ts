/** @file The list of what bench-ops times: the sizes of small transformers and convolutional networks at one microbatch. */
import type { BenchCase } from "./case.js";
import { convolutions } from "./convolutions.js";
import { elements } from "./elements.js";
import { matrices } from "./matrices.js";

/** The backward of MatMul, Gemm, Conv without groups, LayerNormalization and Softmax over their forward, at most. */
export const LIMIT = 2.5;

export const BENCH_CASES: readonly BenchCase[] = [...matrices(LIMIT), ...convolutions(LIMIT), ...elements(LIMIT)];
