import { describe, expect, it } from "vitest";
import { literalOf } from "../../../compiler/ir/literal.js";
import { PipewrightError } from "../../../compiler/errors.js";
import { loadModel } from "../../../runtime/model-file.js";
import { simulatedEnv } from "../../support/simulated-env.js";
import type { BriefModel } from "../../support/proto-model.js";
import { modelBytes } from "../../support/proto-model.js";

const weight = literalOf("float32", [4, 3], new Array<number>(12).fill(1));
const matmul = { op: "MatMul", inputs: ["x", "w"], outputs: ["y"] };

/** How a model whose batch has no size is answered. */
async function answer(model: Partial<BriefModel>): Promise<string> {
  const { files, ...env } = simulatedEnv();
  const whole = {
    nodes: [matmul],
    inputs: { x: "float32[N,4]" },
    outputs: ["y"],
    initializers: { w: weight },
    ...model,
  };
  await files.writeAtomic("/m.onnx", modelBytes(whole));
  try {
    await loadModel({ ...env, files }, "/m.onnx");
  } catch (error) {
    if (error instanceof PipewrightError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "loaded";
}

describe("a model with a dim that has no size", () => {
  it.each([
    ["nodes that read what nothing makes", { nodes: [{ ...matmul, inputs: ["x", "v"] }] }, 'reads "v"'],
    ["an unknown operator", { nodes: [{ ...matmul, op: "Matmul" }] }, "MODEL_UNSUPPORTED"],
    [
      "a constant past the limits",
      {
        nodes: [
          { op: "ConstantOfShape", inputs: ["vast"], outputs: ["h"] },
          { op: "ReduceSum", inputs: ["h"], outputs: ["s"], attrs: { keepdims: 0 } },
          { op: "Add", inputs: ["x", "s"], outputs: ["y"] },
        ],
        initializers: { vast: literalOf("int64", [1], [2 ** 40]) },
      },
      "LIMIT_EXCEEDED",
    ],
    ["sizes that never fit", { inputs: { x: "float32[N,5]" } }, "got [N,5] times [4,3]"],
    [
      "two inputs that never fit each other",
      {
        nodes: [{ op: "Add", inputs: ["x", "z"], outputs: ["y"] }],
        inputs: { x: "float32[N,4]", z: "float32[N,5]" },
      },
      "shapes [N,4] and [N,5] do not broadcast",
    ],
  ])("is refused for %s", async (_, model, reason) => {
    expect(await answer(model)).toContain(reason);
    expect(await answer(model)).not.toContain("--bind");
  });

  it.each([
    ["is whole", {}],
    ["needs one certain size", { inputs: { x: "float32[2,N]" } }],
    [
      "needs a size that it names nowhere",
      {
        nodes: [
          { op: "Reshape", inputs: ["x", "flat"], outputs: ["h"] },
          { op: "MatMul", inputs: ["h", "w"], outputs: ["y"] },
        ],
        inputs: { x: "float32[2,N,2]" },
        initializers: { w: weight, flat: literalOf("int64", [2], [2, -1]) },
      },
    ],
    [
      "needs a size that a number divides",
      {
        nodes: [{ op: "Reshape", inputs: ["x", "halves"], outputs: ["y"] }],
        inputs: { x: "float32[N]" },
        initializers: { halves: literalOf("int64", [2], [-1, 12]) },
      },
    ],
  ])("asks for the size when it %s", async (_, model) => {
    expect(await answer(model)).toMatch(/^DIM_UNBOUND: .*--bind N=SIZE/);
  });
});
