/** @file Runs op samples on the real engine: outputs, gradients by rule, and derivatives by differences. */
import { differentiate } from "../../../compiler/autodiff/differentiate.js";
import { GraphBuilder } from "../../../compiler/ir/builder.js";
import type { DType, Graph, Literal, TensorType, Value } from "../../../compiler/ir/graph.js";
import { elementCount, isFloat, literalNumbers, literalOf } from "../../../compiler/ir/literal.js";
import { verify } from "../../../compiler/ir/verify.js";
import { exportProgram } from "../../../compiler/onnx/export.js";
import { bytesFromElements, elementsFromBytes } from "../../../compiler/onnx/tensor-data.js";
import { OPS } from "../../../compiler/ops/registry.js";
import type { StoredTensor } from "../../../compiler/plan/safetensors.js";
import { RandomStream } from "../../../compiler/random.js";
import type { Engine } from "../../../runtime/engine/engine.js";
import { loadForHost } from "../../../runtime/engine/run-once.js";
import type { OpSample, SampleInput } from "./sample.js";

/** Numbers of each tensor, by name. */
export type Numbers = ReadonlyMap<string, readonly number[]>;

/** A sample as a graph of one node, with inputs "x0", "x1", … and outputs "y0", "y1", …. */
export interface SampleGraph {
  readonly graph: Graph;
  /** Numbers of the graph's inputs. */
  readonly inputs: Numbers;
  /** Inputs that carry gradients. */
  readonly floats: readonly Value[];
}

/** The numbers of an input: its own, or uniformly random ones. */
export function numbersOf(input: SampleInput, stream: RandomStream): readonly number[] {
  if (input.numbers) return input.numbers;
  const { least = -2, most = 2 } = input;
  return Array.from({ length: elementCount(input.shape) }, () =>
    isFloat(input.dtype)
      ? Math.fround(least + (most - least) * stream.uniform())
      : least + stream.below(most - least + 1),
  );
}

/** The sample with its float32 tensors as `float`. */
export function sampleGraph(sample: OpSample, float: DType = "float32"): SampleGraph {
  const stream = new RandomStream(7, sample.op);
  const builder = new GraphBuilder(OPS);
  const inputs = new Map<string, readonly number[]>();
  const floats: Value[] = [];
  const operands = sample.inputs.map((input, index) => {
    if (!input) return undefined;
    const dtype = input.dtype === "float32" ? float : input.dtype;
    if (input.literal) return builder.literal(literalOf(dtype, input.shape, input.numbers!));
    const value = builder.input(`x${index}`, { dtype, shape: input.shape });
    inputs.set(value.name, numbersOf(input, stream));
    if (isFloat(dtype)) floats.push(value);
    return value;
  });
  const outputs = Array.from({ length: sample.outputs ?? 1 }, (_, index) => `y${index}`);
  const node = builder.node(sample.op, operands, (sample.attrs ?? {}) as never, { outputs });
  const graph = builder.build(
    "sample",
    node.outputs.map((value) => value!),
  );
  verify(graph, OPS, "building the sample");
  return { graph, inputs, floats };
}

/** The same graph with its backward pass: inputs "upstream.y0", …; outputs are the gradients of `floats`, "x0", …. */
export function sampleGradients(engine: Engine, { graph, floats }: SampleGraph, feeds: Numbers): Numbers {
  const outputs = graph.outputs.filter(({ type }) => isFloat(type.dtype));
  const { graph: backward, inputGrads } = differentiate(graph, OPS, {
    seeds: outputs.map((output) => ({ output, upstream: `upstream.${output.name}` })),
    wrt: floats,
  });
  verify(backward, OPS, "differentiation");
  const results = new Map(inputGrads.map(({ of, grad }) => [of.name, grad]));
  const named = [...new Set(results.values())];
  const numbers = runNumbers(engine, { ...backward, outputs: named }, feeds);
  return new Map([...results].map(([name, grad]) => [name, numbers.get(grad.name)!]));
}

/** A loaded graph over plain numbers. */
export interface NumberProgram {
  run(feeds: Numbers): Numbers;
  free(): void;
}

/** Loads a graph. The engine refuses outputs that do not have the types of the graph. */
export function loadNumbers(engine: Engine, graph: Graph): NumberProgram {
  const program = loadForHost(
    engine,
    exportProgram(graph),
    new Map(graph.outputs.map(({ name, type }) => [name, type])),
  );
  return {
    run: (feeds) => {
      const inputs = new Map(graph.inputs.map(({ name, type }) => [name, stored(type, feeds.get(name)!)]));
      const results = program.run(inputs);
      return new Map([...results].map(([name, tensor]) => [name, literalNumbers(asLiteral(tensor))]));
    },
    free: () => program.free(),
  };
}

/** Runs a graph once on numbers. */
export function runNumbers(engine: Engine, graph: Graph, feeds: Numbers): Numbers {
  const program = loadNumbers(engine, graph);
  try {
    return program.run(feeds);
  } finally {
    program.free();
  }
}

function stored({ dtype, shape }: TensorType, numbers: readonly number[]): StoredTensor {
  const { elements } = literalOf(dtype, shape, numbers);
  return { dtype, shape, bytes: bytesFromElements(elements as Float32Array) };
}

function asLiteral({ dtype, shape, bytes }: StoredTensor): Literal {
  return { dtype, shape, elements: elementsFromBytes(dtype as Exclude<DType, "string">, bytes) };
}
