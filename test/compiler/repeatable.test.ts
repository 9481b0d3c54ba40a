/** @file Random ops as arithmetic: distributions, repeatability, gradients. */
import { afterAll, expect, test } from "vitest";
import { differentiate } from "../../compiler/autodiff/differentiate.js";
import { GraphBuilder } from "../../compiler/ir/builder.js";
import type { Graph, Value } from "../../compiler/ir/graph.js";
import { literalOf } from "../../compiler/ir/literal.js";
import { verify } from "../../compiler/ir/verify.js";
import { OPS } from "../../compiler/ops/registry.js";
import { repeatableRandomness } from "../../compiler/repeatable.js";
import { createOrtEngine } from "../../runtime/engine/ort/ort-engine.js";
import { runNumbers } from "../contract/op-samples/run.js";

const engine = createOrtEngine();
afterAll(() => engine.close());

const COUNT = 20_000;
const WORDS = [0x9e3779b9, 0x243f6a88];

/** A graph of one node named "draw" with output "y". */
function graphOf(make: (b: GraphBuilder) => { outputs: readonly (Value | undefined)[] }): Graph {
  const builder = new GraphBuilder(OPS);
  return builder.build("random", [make(builder).outputs[0]!]);
}

/** Runs the repeatable form: the numbers of "y". */
function draw(graph: Graph, words: readonly number[] = WORDS, feeds: Record<string, readonly number[]> = {}) {
  const repeatable = repeatableRandomness(graph, OPS);
  verify(repeatable.graph, OPS, "making randomness repeatable");
  expect(repeatable.graph.outputs.map(({ name, type }) => [name, type])).toEqual(
    graph.outputs.map(({ name, type }) => [name, type]),
  );
  const input = repeatable.words!;
  expect(repeatable.graph.inputs).toEqual([...graph.inputs, input]);
  return runNumbers(engine, repeatable.graph, new Map([...Object.entries(feeds), [input.name, words]])).get("y")!;
}

const named = { name: "draw", outputs: ["y"] };
const mean = (numbers: readonly number[]): number => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
const moment = (numbers: readonly number[], power: number): number => mean(numbers.map((x) => x ** power));
/** Five standard errors of a mean of COUNT numbers with this standard deviation. */
const within = (deviation: number): number => (5 * deviation) / Math.sqrt(COUNT);

test("uniform numbers have a uniform's moments and fill every twentieth", () => {
  const y = draw(graphOf((b) => b.node("RandomUniform", [], { shape: [COUNT / 10, 10], low: -1, high: 3 }, named)));
  expect(Math.min(...y)).toBeGreaterThanOrEqual(-1);
  expect(Math.max(...y)).toBeLessThanOrEqual(3);
  expect(Math.abs(mean(y) - 1)).toBeLessThan(within(4 / Math.sqrt(12)));
  const counts = new Array<number>(20).fill(0);
  for (const x of y) counts[Math.min(19, Math.floor((x + 1) * 5))]!++;
  // Chi-squared with 19 degrees of freedom stays below 43.8 with probability 0.999.
  expect(counts.reduce((sum, count) => sum + (count - COUNT / 20) ** 2 / (COUNT / 20), 0)).toBeLessThan(43.8);
});

test("normal numbers have a normal's moments", () => {
  const y = draw(graphOf((b) => b.node("RandomNormal", [], { shape: [COUNT], mean: 2, scale: 3 }, named)));
  const z = y.map((x) => (x - 2) / 3);
  expect(Math.abs(mean(z))).toBeLessThan(within(1));
  expect(Math.abs(moment(z, 2) - 1)).toBeLessThan(within(Math.sqrt(2)));
  expect(Math.abs(moment(z, 3))).toBeLessThan(within(Math.sqrt(15)));
  expect(Math.abs(moment(z, 4) - 3)).toBeLessThan(within(Math.sqrt(96)));
});

test("neighbours, other words and other nodes are uncorrelated", () => {
  const graph = (name: string): Graph =>
    graphOf((b) => b.node("RandomUniform", [], { shape: [COUNT] }, { ...named, name }));
  const y = draw(graph("a"));
  const others = [
    [...y.slice(1), y[0]!],
    draw(graph("a"), [0x85a308d3, WORDS[1]!]),
    draw(graph("a"), [WORDS[0]!, 0x13198a2e]),
    draw(graph("b")),
  ];
  for (const other of others) {
    const correlation = mean(y.map((x, at) => (x - 0.5) * (other[at]! - 0.5))) * 12;
    expect(Math.abs(correlation)).toBeLessThan(within(1));
  }
  expect(draw(graph("a"))).toEqual(y);
});

test("bernoulli follows its probabilities, multinomial its scores", () => {
  const half = graphOf((b) =>
    b.node("Bernoulli", [b.input("p", { dtype: "float32", shape: [COUNT] })], { dtype: 7 }, named),
  );
  const p = Array.from({ length: COUNT }, (_, at) => (at % 2 === 0 ? 0.125 : 1));
  const drawn = draw(half, WORDS, { p });
  expect(drawn.filter((_, at) => at % 2 === 1).every((x) => x === 1)).toBe(true);
  expect(Math.abs(mean(drawn.filter((_, at) => at % 2 === 0)) - 0.125)).toBeLessThan(within(0.5));

  const scores = graphOf((b) =>
    b.node("Multinomial", [b.input("x", { dtype: "float32", shape: [1, 3] })], { sample_size: COUNT }, named),
  );
  const classes = draw(scores, WORDS, { x: [0, Math.log(2), Math.log(5)] });
  for (const [index, share] of [1 / 8, 2 / 8, 5 / 8].entries()) {
    expect(Math.abs(classes.filter((own) => own === index).length / COUNT - share)).toBeLessThan(within(0.5));
  }
});

/** x → dropout, as a graph with input "x" and output "y". */
function dropout(ratio: number | undefined, training: boolean): Graph {
  return graphOf((b) => {
    const x = b.input("x", { dtype: "float32", shape: [COUNT] });
    const mode = b.literal(literalOf("bool", [], [Number(training)]));
    return b.node("Dropout", [x, ratio === undefined ? undefined : b.scalar(ratio, "float32"), mode], {}, named);
  });
}

test("dropout scales what it keeps, and its gradient has the same mask", () => {
  const { graph, words } = repeatableRandomness(dropout(0.25, true), OPS);
  const [output] = graph.outputs;
  const { graph: backward, inputGrads } = differentiate(graph, OPS, {
    seeds: [{ output: output!, upstream: "dy" }],
    wrt: [graph.inputs[0]!],
  });
  const ones = new Array<number>(COUNT).fill(1);
  const [grad] = inputGrads;
  const feeds = new Map([
    ["x", ones],
    ["dy", ones.map(() => 3)],
    [words!.name, WORDS],
  ]);
  const found = runNumbers(engine, { ...backward, outputs: [output!, grad!.grad] }, feeds);
  const y = found.get("y")!;
  const kept = Math.fround(1 / 0.75);
  expect(y.every((x) => x === 0 || x === kept)).toBe(true);
  expect(Math.abs(y.filter((x) => x === 0).length / COUNT - 0.25)).toBeLessThan(within(0.5));
  expect(found.get(grad!.grad.name)).toEqual(y.map((x) => (x === 0 ? 0 : Math.fround(3 * kept))));
});

test("a graph that draws nothing is unchanged", () => {
  for (const graph of [dropout(0, true), dropout(0.5, false)]) {
    expect(repeatableRandomness(graph, OPS)).toEqual({ graph, words: undefined });
  }
});

test("a dropout of unknown mode or impossible ratio is refused", () => {
  expect(() => repeatableRandomness(dropout(1, true), OPS)).toThrow(/ratio is 1; expected at least 0 and below 1/);
  const unknown = graphOf((b) => {
    const x = b.input("x", { dtype: "float32", shape: [2] });
    return b.node("Dropout", [x, undefined, b.input("mode", { dtype: "bool", shape: [] })], {}, named);
  });
  expect(() => repeatableRandomness(unknown, OPS)).toThrow(/not known at compile time/);
});
