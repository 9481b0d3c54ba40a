/** @file Comparison of a tensor with a reference, relative to the largest magnitude of the reference. */
import type { DType } from "../../compiler/ir/graph.js";
import { isFloat, literalNumbers } from "../../compiler/ir/literal.js";
import { formatType } from "../../compiler/ir/print.js";
import { elementsFromBytes } from "../../compiler/onnx/tensor-data.js";
import type { StoredTensor } from "../../compiler/plan/safetensors.js";

export interface Allowance {
  /** Share of the largest magnitude. */
  readonly relative: number;
  /** When the reference is all zero: what else sets the scale. Nothing: zeros must be met exactly. */
  readonly scaleOfZero: readonly StoredTensor[];
}

/** Elements as plain numbers. */
export function numbersOfTensor({ dtype, shape, bytes }: StoredTensor): readonly number[] {
  return literalNumbers({ dtype, shape, elements: elementsFromBytes(dtype as Exclude<DType, "string">, bytes) });
}

/**
 * What differs, or undefined. Integers and bools must be equal; NaN equals NaN, infinities equal themselves. A tensor
 * that does not exist counts as zeros.
 */
export function difference(
  found: StoredTensor | undefined,
  expected: StoredTensor,
  { relative, scaleOfZero }: Allowance,
): string | undefined {
  if (found && formatType(found) !== formatType(expected)) {
    return `type ${formatType(found)}; expected ${formatType(expected)}`;
  }
  const wanted = numbersOfTensor(expected);
  const got = found ? numbersOfTensor(found) : wanted.map(() => 0);
  const scale = largest(wanted) || largest(scaleOfZero.flatMap(numbersOfTensor));
  const allowed = isFloat(expected.dtype) ? relative * scale : 0;
  let worst = 0;
  let at = -1;
  for (const [index, number] of wanted.entries()) {
    const own = got[index]!;
    if (Object.is(own, number) || own === number) continue;
    const distance = Number.isFinite(own) && Number.isFinite(number) ? Math.abs(own - number) : Infinity;
    if (distance > worst) [worst, at] = [distance, index];
  }
  if (worst <= allowed) return undefined;
  const share = scale > 0 ? `${(worst / scale).toExponential(1)} of the largest magnitude` : String(worst);
  return `${found ? "" : "missing; "}element ${at} is ${got[at]}, expected ${wanted[at]} (${share}, allowed ${relative.toExponential(1)})`;
}

function largest(numbers: readonly number[]): number {
  return numbers.reduce((most, number) => (Number.isFinite(number) ? Math.max(most, Math.abs(number)) : most), 0);
}
