/**
 * @file Operators in terms of primitives. `SIMPLIFICATIONS` are tried first, for operators that the IR has too;
 * `DECOMPOSITIONS` stand for operators that it lacks.
 */
import type { Decomposition, Simplification } from "../source.js";
import { einsum } from "./einsum.js";
import { losses } from "./loss.js";
import { recurrentOps } from "./recurrent.js";
import { simplifications } from "./simplify.js";

export const SIMPLIFICATIONS: ReadonlyMap<string, Simplification> = new Map<string, Simplification>(
  Object.entries(simplifications),
);

export const DECOMPOSITIONS: ReadonlyMap<string, Decomposition> = new Map<string, Decomposition>(
  Object.entries({ Einsum: einsum, ...losses, ...recurrentOps }),
);
