/** @file The forward and the backward program of a case. */
import { differentiate } from "../../compiler/autodiff/differentiate.js";
import { GraphBuilder } from "../../compiler/ir/builder.js";
import type { Node, Value } from "../../compiler/ir/graph.js";
import { literalOf } from "../../compiler/ir/literal.js";
import type { ProgramParts } from "../../compiler/onnx/export.js";
import { OPS } from "../../compiler/ops/registry.js";
import type { BenchCase, BenchInput } from "./case.js";

export interface CasePrograms {
  readonly forward: ProgramParts;
  /** All gradients together. It reads inputs and outputs of the forward program by their names, and the upstream gradient. */
  readonly backward: ProgramParts;
  /** What is fed from outside: the inputs of the case, and the upstream gradient, which has no input of its own. */
  readonly fed: ReadonlyMap<Value, BenchInput | undefined>;
}

/**
 * What a gradient is before its last reshape: within a program a reshape moves nothing, as in training, where the
 * gradient is added to a sum; as an output it would be a copy.
 */
function beforeReshape(nodes: readonly Node[], grad: Value): Value {
  const maker = nodes.find(({ op, outputs }) => op === "Reshape" && outputs[0]?.id === grad.id);
  const [source] = maker?.inputs ?? [];
  return source && nodes.some(({ outputs }) => outputs.includes(source)) ? beforeReshape(nodes, source) : grad;
}

/** The nodes as a program that computes `outputs` from whatever it does not make. */
function partsOf(name: string, nodes: readonly Node[], outputs: readonly Value[]): ProgramParts {
  const made = new Set(nodes.flatMap((node) => node.outputs.map((value) => value?.id)));
  const inputs = new Map<number, Value>();
  for (const value of nodes.flatMap((node) => node.inputs)) {
    if (value && !value.literal && !made.has(value.id)) inputs.set(value.id, value);
  }
  return { name, inputs: [...inputs.values()], outputs, nodes };
}

/** The nodes that `outputs` depend on. */
function neededFor(nodes: readonly Node[], outputs: readonly Value[]): readonly Node[] {
  const needed = new Set(outputs.map(({ id }) => id));
  const used = [...nodes].reverse().filter((node) => {
    if (!node.outputs.some((value) => value && needed.has(value.id))) return false;
    for (const value of node.inputs) if (value) needed.add(value.id);
    return true;
  });
  return used.reverse();
}

export function programsOf({ inputs, wrt, build }: BenchCase): CasePrograms {
  const builder = new GraphBuilder(OPS);
  const fed = new Map<Value, BenchInput | undefined>();
  const x = inputs.map((input, index) => {
    if (input.numbers) return builder.literal(literalOf(input.dtype, input.shape, input.numbers));
    const value = builder.input(`x${index}`, input);
    fed.set(value, input);
    return value;
  });
  const outputs = build(builder, x);
  const graph = builder.build("bench", outputs);
  const full = differentiate(graph, OPS, {
    seeds: [{ output: outputs[0]!, upstream: "dy" }],
    wrt: wrt.map((at) => x[at]!),
  });
  fed.set(
    full.graph.inputs.find(({ name }) => name === "dy")!,
    undefined,
  );

  const isForward = (node: Node): boolean => full.phase.get(node.id) === "F";
  const backwardNodes = full.graph.nodes.filter((node) => !isForward(node));
  // A gradient that is the upstream one itself costs nothing.
  const grads = full.inputGrads.filter(({ grad }) => grad.name !== "dy");
  const results = [...new Set(grads.map(({ grad }) => beforeReshape(backwardNodes, grad)))];
  const used = neededFor(backwardNodes, results);
  const backward = partsOf("backward", used, results);
  const given = new Set([...fed.keys()].map(({ id }) => id));
  const kept = backward.inputs.filter(({ id }) => !given.has(id));
  const forward = partsOf("forward", graph.nodes, [...new Set([...outputs, ...kept])]);
  return { forward, backward, fed };
}
