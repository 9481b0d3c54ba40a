/** @file What the check of real models says of a good, a foreign and a damaged file. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { encodeModel } from "../../compiler/onnx/codec.js";
import type { NodeProto } from "../../compiler/onnx/proto.js";
import { nodeEnv } from "../../runtime/env/node.js";
import { tryModel } from "../../scripts/real/try-model.js";

const folder = mkdtempSync(join(tmpdir(), "pipewright-real-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(name: string, node: NodeProto): string {
  const type = { tensor_type: { elem_type: 1, shape: { dim: [{ dim_param: "batch" }, { dim_value: 3 }] } } };
  const path = join(folder, `${name}.onnx`);
  const graph = { name, node: [node], input: [{ name: "x", type }], output: [{ name: "y" }] };
  writeFileSync(path, encodeModel({ ir_version: 8, opset_import: [{ domain: "", version: 17 }], graph }));
  return path;
}

describe("a real model", () => {
  const env = nodeEnv();

  it("is imported with its dims bound", async () => {
    const path = fileOf("good", { op_type: "Relu", input: ["x"], output: ["y"] });
    expect(await tryModel(env, path)).toEqual({ kind: "imported", nodes: 1 });
  });

  it("is refused with the reason of its operator", async () => {
    const path = fileOf("foreign", { op_type: "NonMaxSuppression", input: ["x", "x"], output: ["y"] });
    const outcome = await tryModel(env, path);
    expect(outcome).toMatchObject({ kind: "refused", code: "MODEL_UNSUPPORTED" });
    expect(outcome).toHaveProperty(
      "reason",
      expect.stringContaining(
        "operator NonMaxSuppression is not supported: the size of the result depends on values, so it has no static shape.",
      ),
    );
  });

  it("is refused when it is no model", async () => {
    const path = join(folder, "damaged.onnx");
    writeFileSync(path, "no model");
    expect(await tryModel(env, path)).toMatchObject({ kind: "refused", code: "MODEL_MALFORMED" });
  });
});
