/** @file Which result a port holds. Its tensor is called after it, unless the model has a tensor of that name. */
import type { Port } from "./plan.js";

const SUFFIX = "/result";

/** The tensor that a result is in, where the name is free. */
export function resultTensor(result: string): string {
  return `${result}${SUFFIX}`;
}

/** The result in a port; undefined for ports that hold something else. */
export function resultIn(port: Port): string | undefined {
  if (port.at !== "result") return undefined;
  return port.result ?? port.tensor.slice(0, -SUFFIX.length);
}
