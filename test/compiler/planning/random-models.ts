/** @file Random small models of few blocks, with branches that join again, for looking at every plan of them. */
import fc from "fast-check";
import type { Value } from "../../../compiler/ir/graph.js";
import type { BuiltModel } from "../../../models/model.js";
import { ModelBuilder } from "../../../models/model.js";

/** What one step does to an earlier value, picked by number counted from the last one. */
interface Step {
  readonly kind: "Linear" | "Tanh" | "Mul" | "Add" | "Softmax";
  readonly back: number;
  readonly width: number;
}

export interface RandomModel {
  readonly built: BuiltModel;
  readonly loss: string;
}

/** Models of so many steps. */
export function randomModels(minSteps: number, maxSteps: number): fc.Arbitrary<RandomModel> {
  const step = fc.record({
    kind: fc.constantFrom("Linear", "Tanh", "Mul", "Add", "Softmax"),
    back: fc.nat(2),
    width: fc.integer({ min: 1, max: 40 }),
  } as const);
  return fc
    .record({
      batch: fc.integer({ min: 1, max: 40 }),
      steps: fc.array(step, { minLength: minSteps, maxLength: maxSteps }),
    })
    .map(({ batch, steps }) => ({ built: modelOf(batch, steps), loss: "output:loss" }));
}

function modelOf(batch: number, steps: readonly Step[]): BuiltModel {
  const model = new ModelBuilder(0);
  const { graph } = model;
  const linear = (name: string, x: Value, outputs: number): Value => {
    const weight = model.param(name, [x.type.shape[1]!, outputs], { deviation: 1 });
    return graph.emit("MatMul", [x, weight]);
  };
  const values = [linear("first", graph.input("x", { dtype: "float32", shape: [batch, 5] }), 8)];
  const unread = new Set(values);
  for (const [at, { kind, back, width }] of steps.entries()) {
    const x = values.at(-1 - (back % values.length))!;
    const other = values.findLast((value) => value !== x && String(value.type.shape) === String(x.type.shape)) ?? x;
    const made =
      kind === "Linear"
        ? linear(`weight.${at}`, x, width)
        : kind === "Mul" || kind === "Add"
          ? graph.emit(kind, [x, other])
          : kind === "Softmax"
            ? graph.emit("Softmax", [x], { axis: 1 })
            : graph.emit("Tanh", [x]);
    unread.delete(x);
    if (kind === "Mul" || kind === "Add") unread.delete(other);
    unread.add(made);
    values.push(made);
  }
  const means = [...unread].map((value) => graph.emit("ReduceMean", [value], { keepdims: 0 }));
  const loss = graph.node(
    "Tanh",
    [means.reduce((sum, mean) => graph.emit("Add", [sum, mean]))],
    {},
    { outputs: ["loss"] },
  );
  return model.build("random", [loss.outputs[0]!]);
}
