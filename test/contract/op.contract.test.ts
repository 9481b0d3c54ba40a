/** @file What every op promises: types as the engine has them, gradients as differences have them, folding, work. */
import { afterAll, describe, expect, test } from "vitest";
import { PipewrightError } from "../../compiler/errors.js";
import type { DType } from "../../compiler/ir/graph.js";
import { elementCount, isFloat, literalNumbers, literalOf } from "../../compiler/ir/literal.js";
import { COMPILE_TIME_INPUTS } from "../../compiler/onnx/positions.js";
import type { OpDef } from "../../compiler/ops/define.js";
import { OPS } from "../../compiler/ops/registry.js";
import { RandomStream } from "../../compiler/random.js";
import { createOrtEngine } from "../../runtime/engine/ort/ort-engine.js";
import { elementwiseSamples } from "./op-samples/elementwise.js";
import { emptySamples } from "./op-samples/empty.js";
import { indexingSamples } from "./op-samples/indexing.js";
import { matrixSamples } from "./op-samples/matrix.js";
import { movingSamples } from "./op-samples/moving.js";
import { poolingSamples } from "./op-samples/pooling.js";
import { reducingSamples } from "./op-samples/reducing.js";
import { resamplingSamples } from "./op-samples/resampling.js";
import type { NumberProgram, Numbers, SampleGraph } from "./op-samples/run.js";
import { loadNumbers, numbersOf, runNumbers, sampleGradients, sampleGraph } from "./op-samples/run.js";
import type { OpSample } from "./op-samples/sample.js";

const samples: readonly OpSample[] = [
  ...elementwiseSamples,
  ...reducingSamples,
  ...matrixSamples,
  ...poolingSamples,
  ...movingSamples,
  ...indexingSamples,
  ...emptySamples,
  ...resamplingSamples,
];
const cases = samples.map((sample) => ({ name: sample.of ? `${sample.op} (${sample.of})` : sample.op, sample }));
const engine = createOrtEngine();
afterAll(() => engine.close());

/** Any op's definition, seen without its attribute type. */
const definitionOf = (sample: OpSample): OpDef<"Add"> => OPS[sample.op] as unknown as OpDef<"Add">;

/** Directions of the derivative that are tried. */
const DIRECTIONS = 3;
/** Step and tolerance of central differences: step² for truncation and precision / step for rounding, with a margin. */
const DIFFERENCES = {
  float64: { step: 1e-5, tolerance: 2e-5 },
  float32: { step: 1e-2, tolerance: 2e-3 },
} as const;

/** A sample in the element type whose differences are compared, loaded. */
interface Sharpest {
  readonly float: keyof typeof DIFFERENCES;
  readonly built: SampleGraph;
  readonly program: NumberProgram;
}

/** float64 where the engine has the op in float64: differences in float32 are blunt. */
function sharpest(sample: OpSample): Sharpest {
  const load = (float: keyof typeof DIFFERENCES): Sharpest => {
    const built = sampleGraph(sample, float);
    const program = loadNumbers(engine, built.graph);
    program.run(built.inputs);
    return { float, built, program };
  };
  if (sample.isSingle) return load("float32");
  try {
    return load("float64");
  } catch (error) {
    if (!(error instanceof PipewrightError)) throw error;
    return load("float32");
  }
}

function randomLike(shapes: ReadonlyMap<string, readonly number[]>, stream: RandomStream): Numbers {
  return new Map(
    [...shapes].map(([name, shape]) => [name, Array.from({ length: elementCount(shape) }, () => stream.normal())]),
  );
}

function dot(a: Numbers, c: Numbers): number {
  let sum = 0;
  for (const [name, numbers] of a) for (const [at, number] of numbers.entries()) sum += number * c.get(name)![at]!;
  return sum;
}

function magnitude(a: Numbers, c: Numbers): number {
  let sum = 0;
  for (const [name, numbers] of a)
    for (const [at, number] of numbers.entries()) sum += Math.abs(number * c.get(name)![at]!);
  return sum;
}

function moved(x: Numbers, direction: Numbers, step: number): Numbers {
  return new Map(
    [...x].map(([name, numbers]) => [
      name,
      numbers.map((number, at) => number + step * (direction.get(name)?.[at] ?? 0)),
    ]),
  );
}

/** True when the shape rule needs the numbers of an input. */
function refusesFed(sample: OpSample, position: number): boolean {
  const inputs = sample.inputs.map((input, at) => (input && at === position ? { ...input, literal: false } : input));
  try {
    sampleGraph({ ...sample, inputs });
  } catch (error) {
    return error instanceof PipewrightError && error.code === "MODEL_UNSUPPORTED";
  }
  return false;
}

describe.each(cases)("$name", ({ sample }) => {
  test("has the types that the engine gives it, and some work", () => {
    const { graph, inputs } = sampleGraph(sample);
    const [node] = graph.nodes;
    runNumbers(engine, graph, inputs);
    const types = (values: readonly ({ type: unknown } | undefined)[]): never =>
      values.map((value) => value?.type) as never;
    const { flops, bytes } = definitionOf(sample).work(types(node!.inputs), types(node!.outputs), node!.attrs as never);
    expect(flops).toBeGreaterThanOrEqual(0);
    expect(bytes).toBeGreaterThanOrEqual(0);
  });

  if (sample.inputs.some((input) => input?.literal))
    test("refuses what is fed in place of inputs that must be known, and of no others", () => {
      const literals = sample.inputs.flatMap((input, position) => (input?.literal ? [position] : []));
      // Dropout must know its own in training only, where arithmetic takes its place.
      const known = sample.op === "Dropout" ? [] : (COMPILE_TIME_INPUTS.get(sample.op) ?? []);
      expect(literals.filter((position) => refusesFed(sample, position))).toEqual(
        literals.filter((position) => known.includes(position)),
      );
    });

  const { grad, fold } = definitionOf(sample);
  const hasGradient =
    typeof grad === "function" && sampleGraph(sample).graph.outputs.some(({ type }) => isFloat(type.dtype));
  if (hasGradient)
    test("has the gradient that differences give", () => {
      const stream = new RandomStream(11, sample.op);
      const sample32 = sampleGraph(sample);
      const shapes = new Map(sample32.graph.outputs.map(({ name, type }) => [`upstream.${name}`, type.shape]));
      const upstream = randomLike(shapes, stream);
      const gradients = sampleGradients(engine, sample32, new Map([...sample32.inputs, ...upstream]));
      const { float, built, program } = sharpest(sample);
      const { step, tolerance } = DIFFERENCES[float];
      for (let index = 0; index < DIRECTIONS; index++) {
        const direction = randomLike(new Map(built.floats.map(({ name, type }) => [name, type.shape])), stream);
        const change = (by: number): number => {
          const outputs = program.run(moved(built.inputs, direction, by));
          return dot(upstream, new Map([...outputs].map(([name, numbers]) => [`upstream.${name}`, numbers])));
        };
        const expected = (change(step) - change(-step)) / (2 * step);
        const found = dot(gradients, direction);
        expect(Math.abs(found - expected)).toBeLessThanOrEqual(
          tolerance * Math.max(magnitude(gradients, direction), Math.abs(expected)),
        );
      }
      program.free();
    });

  if (fold)
    test("folds to what the engine computes", () => {
      const { graph, inputs } = sampleGraph(sample);
      const stream = new RandomStream(7, sample.op);
      const literals = sample.inputs.map(
        (input) => input && literalOf(input.dtype, input.shape, numbersOf(input, stream)),
      );
      const types = graph.outputs.map(({ type }) => type);
      const folded = fold!(literals, graph.nodes[0]!.attrs as never, types);
      const computed = runNumbers(engine, graph, inputs);
      for (const [index, { name }] of graph.outputs.entries()) {
        const found = literalNumbers(folded![index]!);
        for (const [at, number] of computed.get(name)!.entries()) expect(found[at]).toBeCloseTo(number, 5);
      }
    });
});

test("the engine refuses an output type that is wrong", () => {
  const { graph, inputs } = sampleGraph({ op: "Relu", inputs: [{ dtype: "float32", shape: [2, 3] }] });
  const [output] = graph.outputs;
  for (const type of [
    { dtype: "float32" as DType, shape: [3, 2] },
    { dtype: "float64" as DType, shape: [2, 3] },
  ]) {
    expect(() => runNumbers(engine, { ...graph, outputs: [{ ...output!, type }] }, inputs)).toThrow();
  }
});

test("every op has a sample", () => {
  const sampled = new Set<string>(samples.map(({ op }) => op));
  expect(Object.keys(OPS).filter((op) => !sampled.has(op))).toEqual([]);
});
