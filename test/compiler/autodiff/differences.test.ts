/** @file Gradients of random graphs against central differences, both in float64 on the engine. */
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { differentiate } from "../../../compiler/autodiff/differentiate.js";
import type { Graph, Value } from "../../../compiler/ir/graph.js";
import { elementCount } from "../../../compiler/ir/literal.js";
import { verify } from "../../../compiler/ir/verify.js";
import { exportProgram } from "../../../compiler/onnx/export.js";
import { OPS } from "../../../compiler/ops/registry.js";
import { RandomStream } from "../../../compiler/random.js";
import type { Buffer } from "../../../runtime/engine/engine.js";
import { createOrtEngine } from "../../../runtime/engine/ort/ort-engine.js";
import { randomGraphs } from "./random-graphs.js";

/**
 * Central differences with step h are off by h²/6 times the third derivative, and by the rounding of the loss, 1e-16,
 * over h. At h = 1e-5 and values near 1 both are about 1e-11; chains of twelve ops and sums of nine elements can raise
 * the third derivative by a few thousand.
 */
const STEP = 1e-5;
const TOLERANCE = 1e-7;

const engine = createOrtEngine();
afterAll(() => {
  engine.close();
});

/** The loss and the gradients of all inputs and parameters, at the numbers that are asked for. */
function evaluator(graph: Graph) {
  const wrt = [...graph.inputs, ...graph.params];
  const whole = differentiate(graph, OPS, { seeds: [{ output: graph.outputs[0]! }], wrt });
  verify(whole.graph, OPS, "differentiation");
  const gradients = [...whole.inputGrads, ...whole.parameterGrads];
  const results = [
    ...new Map([whole.loss, ...gradients.map(({ grad }) => grad)].map((value) => [value.id, value])).values(),
  ];
  const program = engine.load(exportProgram({ name: "test", inputs: wrt, outputs: results, nodes: whole.graph.nodes }));
  const allocate = (value: Value): [string, Buffer] => [value.name, engine.allocate(value.type)];
  const [inputs, outputs] = [new Map(wrt.map(allocate)), new Map(results.map(allocate))];
  const binding = program.bind(inputs, outputs);
  const read = (value: Value): Float64Array => new Float64Array(engine.read(outputs.get(value.name)!).buffer);
  return {
    wrt,
    at: (numbers: readonly Float64Array[]) => {
      for (const [index, value] of wrt.entries())
        engine.write(inputs.get(value.name)!, new Uint8Array(new Float64Array(numbers[index]!).buffer));
      binding.run();
      return { loss: read(whole.loss)[0]!, gradients: new Map(gradients.map(({ of, grad }) => [of.name, read(grad)])) };
    },
    free: () => {
      program.free();
      for (const buffer of [...inputs.values(), ...outputs.values()]) buffer.free();
    },
  };
}

it("agree along random directions", () => {
  fc.assert(
    fc.property(randomGraphs, fc.nat(), (graph, seed) => {
      const { wrt, at, free } = evaluator(graph);
      const stream = new RandomStream(seed, "directions");
      const numbers = (scale: number) =>
        wrt.map(({ type }) => Float64Array.from({ length: elementCount(type.shape) }, () => scale * stream.normal()));
      const [point, direction] = [numbers(0.7), numbers(1)];
      const moved = (by: number) => point.map((array, index) => array.map((x, at) => x + by * direction[index]![at]!));
      const { gradients } = at(point);
      const expected = (at(moved(STEP)).loss - at(moved(-STEP)).loss) / (2 * STEP);
      let slope = 0;
      let scale = 1;
      for (const [index, { name }] of wrt.entries()) {
        const gradient = gradients.get(name);
        gradient?.forEach((g, element) => {
          slope += g * direction[index]![element]!;
          scale = Math.max(scale, Math.abs(g));
        });
      }
      free();
      expect(Math.abs(slope - expected) / scale).toBeLessThan(TOLERANCE);
    }),
    { seed: 5, numRuns: 120 },
  );
});
