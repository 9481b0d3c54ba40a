/** @file What the builders of demonstration and benchmark models share: a graph, its weights, and how they start. */
import { GraphBuilder } from "../compiler/ir/builder.js";
import type { Graph, Shape, Value } from "../compiler/ir/graph.js";
import { elementCount } from "../compiler/ir/literal.js";
import { OPS } from "../compiler/ops/registry.js";
import { RandomStream } from "../compiler/random.js";

/** A model made in code. */
export interface BuiltModel {
  readonly graph: Graph;
  /** Elements of every parameter, by its name. */
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** First value of a parameter: one number for all elements, or a normal distribution of mean 0. */
export type Start = { readonly constant: number } | { readonly deviation: number };

/** Builds a graph together with the first values of its parameters, which depend on the seed and their names only. */
export class ModelBuilder {
  readonly graph = new GraphBuilder(OPS);
  readonly #weights = new Map<string, Float32Array>();
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A float32 parameter. Requires: a name not taken yet. */
  param(name: string, shape: Shape, start: Start): Value {
    const elements = new Float32Array(elementCount(shape));
    if ("constant" in start) elements.fill(start.constant);
    else {
      const stream = new RandomStream(this.#seed, name);
      for (let at = 0; at < elements.length; at++) elements[at] = start.deviation * stream.normal();
    }
    this.#weights.set(name, elements);
    return this.graph.param(name, { dtype: "float32", shape });
  }

  /** x · W + b over the last axis, with parameters `name.weight` [inputs, outputs] and `name.bias`. */
  linear(name: string, x: Value, outputs: number, deviation: number): Value {
    const inputs = x.type.shape.at(-1)!;
    const weight = this.param(`${name}.weight`, [inputs, outputs], { deviation });
    const bias = this.param(`${name}.bias`, [outputs], { constant: 0 });
    return this.graph.emit("Add", [this.graph.emit("MatMul", [x, weight]), bias]);
  }

  build(name: string, outputs: readonly Value[]): BuiltModel {
    return { graph: this.graph.build(name, outputs), weights: this.#weights };
  }
}
