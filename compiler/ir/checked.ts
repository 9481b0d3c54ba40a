/**
 * @file Arithmetic on sizes that must not round. Sizes are plain numbers, exact up to 2^53; past that a product
 * is Infinity here, so that every limit above it refuses it, and none mistakes it for a small one.
 */
import type { Shape } from "./graph.js";

/** The product of two sizes of at least 0; Infinity past 2^53. */
function checkedProduct(a: number, b: number): number {
  const product = a * b;
  return Number.isSafeInteger(product) ? product : Infinity;
}

/** Elements of a shape; 0 when an axis has none, whatever the others are; Infinity past 2^53. */
export function checkedElementCount(shape: Shape): number {
  let count = 1;
  for (const size of shape) {
    if (size === 0) return 0;
    if (count !== Infinity) count = checkedProduct(count, size);
  }
  return count;
}
