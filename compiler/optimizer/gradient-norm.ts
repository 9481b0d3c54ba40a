/** @file The norm of the gradients of all parameters, and how far it scales them down. */

/** torch.nn.utils.clip_grad_norm_ adds this to the norm, so that a norm of zero divides nothing. */
const NORM_EPSILON = 1e-6;

/** Sums that run side by side: one long sum would wait for each addition. */
const LANES = 8;

/**
 * The sum of the squares in float64: element i is added to sum i mod 8, then the eight are added in order, then the
 * elements after the last whole eight, whatever the machine, so that equal gradients give equal bits. Squares of
 * float32 are exact and cannot overflow.
 */
export function sumOfSquares(values: Float32Array): number {
  let [a, b, c, d, e, f, g, h] = [0, 0, 0, 0, 0, 0, 0, 0];
  const whole = values.length - (values.length % LANES);
  for (let at = 0; at < whole; at += LANES) {
    a += values[at]! * values[at]!;
    b += values[at + 1]! * values[at + 1]!;
    c += values[at + 2]! * values[at + 2]!;
    d += values[at + 3]! * values[at + 3]!;
    e += values[at + 4]! * values[at + 4]!;
    f += values[at + 5]! * values[at + 5]!;
    g += values[at + 6]! * values[at + 6]!;
    h += values[at + 7]! * values[at + 7]!;
  }
  let sum = a + b + c + d + e + f + g + h;
  for (const value of values.subarray(whole)) sum += value * value;
  return sum;
}

/** What gradients of norm `norm` are multiplied by, so that it becomes at most `most`. Source: torch's clip_grad_norm_. */
export function clipFactor(norm: number, most: number): number {
  return Math.min(1, most / (norm + NORM_EPSILON));
}
