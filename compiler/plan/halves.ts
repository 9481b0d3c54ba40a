/** @file The training graph of one microbatch as a single stage runs it, in a forward and a backward program: for measuring. */
import type { Node, Value, ValueId } from "../ir/graph.js";
import type { WithSums } from "./gradient-sums.js";

/** A program: its nodes, what it is given, and what it hands on. */
export interface Half {
  readonly nodes: readonly Node[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/**
 * Ensures: together the halves have every node of the graph; what forward hands to backward is an output of one and an
 * input of the other; gradients of parameters leave as sums.
 */
export function halvesOf({ differentiated, sums }: WithSums): { readonly forward: Half; readonly backward: Half } {
  const { graph, phase } = differentiated;
  const isForward = ({ id }: Node): boolean => phase.get(id) === "F";
  const [first, second] = [graph.nodes.filter(isForward), graph.nodes.filter((node) => !isForward(node))];
  const [readFirst, readSecond] = [valuesOf(first, "inputs"), valuesOf(second, "inputs")];
  const [madeFirst, madeSecond] = [valuesOf(first, "outputs"), valuesOf(second, "outputs")];
  const wanted = [...graph.outputs, ...sums.map(({ next }) => next)];
  const given = [...graph.inputs, ...graph.params];
  const stash = [...readSecond.values()].filter(({ id }) => madeFirst.has(id));
  const made = (values: readonly Value[], by: ReadonlyMap<ValueId, Value>): Value[] => [
    ...new Map(values.filter(({ id }) => by.has(id)).map((value) => [value.id, value])).values(),
  ];
  return {
    forward: {
      nodes: first,
      inputs: given.filter(({ id }) => readFirst.has(id)),
      outputs: made([...wanted, ...stash], madeFirst),
    },
    backward: {
      nodes: second,
      inputs: [...given.filter(({ id }) => readSecond.has(id)), ...stash],
      outputs: made(wanted, madeSecond),
    },
  };
}

/** What nodes read or make, by id, without literals. */
function valuesOf(nodes: readonly Node[], side: "inputs" | "outputs"): ReadonlyMap<ValueId, Value> {
  const values = nodes.flatMap((node) => node[side].filter((value) => value !== undefined && !value.literal));
  return new Map(values.map((value) => [value!.id, value!]));
}
