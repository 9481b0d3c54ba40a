/** @file What the user must know of a model that is not all float32: halves train in float32, float64 does not train. */
import type { DType } from "../../../compiler/ir/graph.js";
import type { Conversion } from "../../../compiler/ir/half.js";
import type { Plan } from "../../../compiler/plan/plan.js";
import type { LoadedModel } from "../../model-file.js";

/** Element types of a model: what was converted, and those of all parameters. */
export interface Precision {
  readonly conversions?: readonly Conversion[] | undefined;
  readonly parameters: readonly DType[];
}

/** One sentence per element type that is not float32. */
export function precisionNotes({ conversions = [], parameters }: Precision): readonly string[] {
  const doubles = doublesIn(parameters);
  const halves = conversions.map(({ from, parameters, inputs, casts }) => {
    const parts = [counted(parameters, "parameter"), counted(inputs, "input"), counted(casts, "cast")];
    const written = parameters > 0 ? `; trained weights are rounded to ${from} when they are written` : "";
    return `${from} trains in float32: ${parts.filter((part) => part !== "").join(", ")}${written}`;
  });
  if (doubles === 0) return halves;
  return [...halves, `float64 does not train, and stays as it is: ${counted(doubles, "parameter")}; export in float32`];
}

/** The same for `--json`: no conversions when the file has no half precision. */
export function precisionJson({ conversions = [], parameters }: Precision) {
  return {
    conversions: conversions.map((conversion) => ({ ...conversion, to: "float32" })),
    untrainedFloat64: doublesIn(parameters),
  };
}

/** The element types of the parameters of a plan. */
export function planPrecision({ model, parameters }: Pick<Plan, "model" | "parameters">): Precision {
  return { conversions: model.conversions, parameters: parameters.map(({ dtype }) => dtype) };
}

/** The element types of the parameters of a model. */
export function modelPrecision({ conversions, graph }: Pick<LoadedModel, "conversions" | "graph">): Precision {
  return { conversions, parameters: graph.params.map(({ type }) => type.dtype) };
}

function doublesIn(parameters: readonly DType[]): number {
  return parameters.filter((dtype) => dtype === "float64").length;
}

function counted(count: number, what: string): string {
  return count === 0 ? "" : `${count} ${what}${count === 1 ? "" : "s"}`;
}
