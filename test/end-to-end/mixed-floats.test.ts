/** @file A model of float32 and float64 parameters: the float64 ones do not train, and every command says so. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { literalOf } from "../../compiler/ir/literal.js";
import { modelBytes } from "../support/proto-model.js";
import { pipewright } from "../support/shell.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-mixed-floats-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

it("keeps its float64 parameters and says so", async () => {
  const [single, double] = [1, 11];
  const model = modelBytes({
    nodes: [
      { op: "MatMul", inputs: ["x", "w"], outputs: ["h"] },
      { op: "Cast", inputs: ["h"], outputs: ["wide"], attrs: { to: double } },
      { op: "Mul", inputs: ["wide", "scale"], outputs: ["scaled"] },
      { op: "Cast", inputs: ["scaled"], outputs: ["y"], attrs: { to: single } },
    ],
    inputs: { x: "float32[2,3]" },
    outputs: ["y"],
    initializers: {
      w: literalOf("float32", [3, 2], [1, 2, 3, 4, 5, 6]),
      scale: literalOf("float64", [2], [0.5, 2]),
    },
  });
  writeFileSync(at("model.onnx"), model);
  const note = "float64 does not train, and stays as it is: 1 parameter; export in float32";
  const inspected = await pipewright(["inspect", at("model.onnx")]);
  expect(inspected.stdout.replace(/\s+/g, " ")).toContain(`note ${note}`);
  const options = ["--loss", "mse", "--devices", "1", "--analytic", "--json"];
  const commands = [
    ["inspect", at("model.onnx"), "--json"],
    ["partition", at("model.onnx"), ...options, "-o", at("plan")],
    ["train", at("plan"), "--data", "synthetic", "--steps", "1", "--json"],
  ];
  for (const [command, ...words] of commands) {
    const { exitCode, stdout, stderr } = await pipewright([command!, ...words]);
    expect(exitCode, stderr).toBe(0);
    if (command !== "inspect") expect(stderr).toContain(note);
    const json = JSON.parse(stdout) as { readonly model: object };
    expect(command === "partition" ? json.model : json).toMatchObject({ untrainedFloat64: 1 });
  }
});
