/** @file Names that somebody gave to a tensor, and names that an exporter made up. */

/** Names that exporters give to results of nodes: paths, counters, ports. Parameters have none of these. */
const GENERATED = /[/:]|^\d+$|_output_\d+$|^onnx/;

/** True for a name that somebody chose. */
export function isParameterName(name: string): boolean {
  return !GENERATED.test(name);
}

/** A name for a constant that no import takes for a parameter's. */
export function constantName(name: string): string {
  return isParameterName(name) ? `/${name}` : name;
}
