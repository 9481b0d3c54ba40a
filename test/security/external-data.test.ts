/** @file Checksums of external data, and plans that would have the trained data written elsewhere. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { encodeModel } from "../../compiler/onnx/codec.js";
import { readSafetensors, writeSafetensors } from "../../compiler/plan/safetensors.js";
import { remainsOf } from "../../runtime/external-remains.js";
import { loadModel, loadWeights } from "../../runtime/model-file.js";
import { simulatedEnv } from "../support/simulated-env.js";
import { briefGraph } from "../support/proto-model.js";

const DATA = new Uint8Array(48).fill(7);
const SHA1 = createHash("sha1").update(DATA).digest("hex");

/** A model with one weight of 48 bytes in `w.bin`. */
async function modelWith(entries: Readonly<Record<string, string>>, data = DATA) {
  const env = simulatedEnv();
  const nodes = [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }];
  const graph = briefGraph({ nodes, inputs: { x: "float32[2,4]" }, outputs: ["y"], initializers: {} });
  const external_data = Object.entries({ location: "w.bin", ...entries }).map(([key, value]) => ({ key, value }));
  const initializer = [{ name: "w", data_type: 1, dims: [4, 3], data_location: 1, external_data }];
  const opset_import = [{ domain: "", version: 21 }];
  await env.files.writeAtomic(
    "/m.onnx",
    encodeModel({ ir_version: 8, opset_import, graph: { ...graph, initializer } }),
  );
  await env.files.writeAtomic("/w.bin", data);
  return env;
}

describe("external data", () => {
  it.each([SHA1, SHA1.toUpperCase()])("with the checksum %s of the file are taken", async (checksum) => {
    const env = await modelWith({ checksum });
    const model = await loadModel(env, "/m.onnx");
    expect(model.external).toEqual([{ file: "w.bin", bytes: 48, checksum: "matches" }]);
    expect((await loadWeights(env, model)).get("w")!.bytes).toEqual(DATA);
  });

  it("with another checksum are refused", async () => {
    await expect(loadModel(await modelWith({ checksum: "0".repeat(40) }), "/m.onnx")).rejects.toMatchObject({
      code: "MODEL_MALFORMED",
      message: `/m.onnx: initializer "w": external data "w.bin": the file was changed; got SHA-1 ${SHA1}, expected ${"0".repeat(40)}. Copy the file again.`,
    });
  });

  it("that change between loading and reading are refused when they are read", async () => {
    const env = await modelWith({ checksum: SHA1 });
    const model = await loadModel(env, "/m.onnx");
    await env.files.writeAtomic("/w.bin", new Uint8Array(48));
    await expect(loadWeights(env, model)).rejects.toMatchObject({ code: "MODEL_MALFORMED" });
  });

  it.each(["zz", "", SHA1.slice(1), `${SHA1} `])(
    "with the checksum %j, which is none, are refused",
    async (checksum) => {
      await expect(loadModel(await modelWith({ checksum }), "/m.onnx")).rejects.toMatchObject({
        code: "MODEL_MALFORMED",
      });
    },
  );

  it("in the model file itself are refused", async () => {
    await expect(loadModel(await modelWith({ location: "m.onnx" }), "/m.onnx")).rejects.toMatchObject({
      message: expect.stringContaining("it is the model file itself") as string,
    });
  });
});

describe("what a plan keeps of external data", () => {
  it.each(["0:../w.bin", "0:/etc/cron.d/x", "0:a/../../w.bin", "-1:w.bin", "1e3:w.bin", "0:", "w.bin", "0:C:\\w.bin"])(
    "names no file elsewhere: %j",
    (name) => {
      const file = writeSafetensors(new Map([[name, { dtype: "uint8", shape: [1], bytes: Uint8Array.of(1) }]]));
      expect(() => remainsOf(readSafetensors(file), "plan/external.safetensors")).toThrow(
        /^plan\/external\.safetensors: tensor ".*" is no part of a file/,
      );
    },
  );
});
