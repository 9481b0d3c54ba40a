/** @file SGD and AdamW in float32, one rounding per operation, in the order that the update graphs promise. */
import type { AdamWSpec, SgdSpec } from "../../compiler/plan/plan.js";

const f = Math.fround;

/** Updates `param` and `velocity` in place. `gradScale` makes the gradient of the sum. */
export function sgdStep(
  { learningRate, momentum, weightDecay }: SgdSpec,
  param: Float32Array,
  gradSum: Float32Array,
  velocity: Float32Array,
  gradScale: number,
): void {
  for (let i = 0; i < param.length; i++) {
    const mean = f(gradSum[i]! * f(gradScale));
    const grad = weightDecay === 0 ? mean : f(mean + f(param[i]! * f(weightDecay)));
    velocity[i] = f(f(velocity[i]! * f(momentum)) + grad);
    param[i] = f(param[i]! - f(velocity[i]! * f(learningRate)));
  }
}

/** Updates `param` and both moments in place. Steps count from 1. */
export function adamwStep(
  { learningRate, beta1, beta2, epsilon, weightDecay }: AdamWSpec,
  param: Float32Array,
  gradSum: Float32Array,
  [first, second]: readonly [Float32Array, Float32Array],
  step: number,
  gradScale: number,
): void {
  const rootCorrection = Math.sqrt(1 - beta2 ** step);
  const firstScale = f((1 - beta1) * gradScale);
  const secondScale = f(Math.sqrt(1 - beta2) * gradScale);
  const keep = f(1 - learningRate * weightDecay);
  const stepSize = f((learningRate * rootCorrection) / (1 - beta1 ** step));
  const floor = f(epsilon * rootCorrection);
  for (let i = 0; i < param.length; i++) {
    const root = f(gradSum[i]! * secondScale);
    first[i] = f(f(first[i]! * f(beta1)) + f(gradSum[i]! * firstScale));
    second[i] = f(f(second[i]! * f(beta2)) + f(root * root));
    const denominator = f(f(Math.sqrt(second[i]!)) + floor);
    param[i] = f(f(param[i]! * keep) - f(f(first[i]! * stepSize) / denominator));
  }
}
