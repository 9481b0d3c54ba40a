/** @file What a refusal to plan means to a search that has other ways. */
import { PipewrightError } from "../errors.js";

export function isInfeasible(error: unknown): error is PipewrightError {
  return error instanceof PipewrightError && error.code === "PLAN_INFEASIBLE";
}

/** What `make` gives; undefined where it finds no plan, which `onRefusal` is told of. @throws what else `make` throws. */
export async function unlessInfeasible<T>(
  make: () => Promise<T>,
  onRefusal: (error: PipewrightError) => void = () => undefined,
): Promise<T | undefined> {
  try {
    return await make();
  } catch (error) {
    if (!isInfeasible(error)) throw error;
    onRefusal(error);
    return undefined;
  }
}

/** A request that no device can serve, such as a schedule for another number of stages. */
export function isUsage(error: unknown): boolean {
  return error instanceof PipewrightError && error.code === "USAGE";
}

/** What `make` gives; undefined where that is impossible. @throws what else `make` throws. */
export function unlessImpossible<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (isUsage(error) || isInfeasible(error)) return undefined;
    throw error;
  }
}
