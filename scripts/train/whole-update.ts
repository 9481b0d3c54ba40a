/** @file The optimizer's update of all parameters of a model as one graph. */
import { GraphBuilder } from "../../compiler/ir/builder.js";
import type { Shape, Value } from "../../compiler/ir/graph.js";
import { engineName } from "../../compiler/names.js";
import { exportGraph } from "../../compiler/onnx/export.js";
import { OPS } from "../../compiler/ops/registry.js";
import { emitUpdate, stateCount, stepScalars } from "../../compiler/optimizer/update.js";
import type { OptimizerSpec } from "../../compiler/plan/plan.js";

/** A parameter and its gradient sum, by the names of the graph's inputs. */
export interface Summed {
  readonly parameter: string;
  readonly sum: string;
  readonly shape: Shape;
}

/** The same with names of its states, which are inputs too, and of the outputs: the next parameter, then its next states. */
export interface Updated extends Summed {
  readonly states: readonly string[];
  readonly outputs: readonly string[];
}

/** Inputs of the graph: of each parameter itself, its sum and its states, and the scalars of `stepScalars` once. */
export function wholeUpdate(optimizer: OptimizerSpec, summed: readonly Summed[]) {
  const builder = new GraphBuilder(OPS);
  const input = (name: string, shape: Shape): Value => builder.input(name, { dtype: "float32", shape });
  const scalars = new Map(stepScalars(optimizer, 1, 1, undefined).map(({ name }) => [name, input(name, [])]));
  const updates = summed.map((own) => {
    const states = Array.from({ length: stateCount(optimizer) }, (_, state) => `${own.parameter}/state${state}`);
    const next = emitUpdate(builder, optimizer, {
      param: input(own.parameter, own.shape),
      gradSum: input(own.sum, own.shape),
      states: states.map((state) => input(state, own.shape)),
      scalar: (name) => scalars.get(name)!,
    });
    return { next, updated: { ...own, states, outputs: next.map(({ name }) => engineName(name)) } };
  });
  return {
    model: exportGraph(
      builder.build(
        "update",
        updates.flatMap(({ next }) => next),
      ),
    ),
    updated: updates.map(({ updated }): Updated => updated),
  };
}
